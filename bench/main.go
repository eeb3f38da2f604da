// Bench measures voted: next to other systems that do the same work, and at sizes
// that elections have.
//
//	go run ./bench compare            voted, a bare handler, etcd and PostgreSQL, in turn
//	go run ./bench scale              ten million ballots in one poll
//	go run ./bench scale --polls N    many polls
//	go run ./bench viewers            ten thousand live streams of a busy poll
//	go run ./bench hooks              a thousand webhooks, most of whose receivers hang
//
// Figures of a cluster that lost or doubled a ballot are worth nothing, so they
// count all ballots in the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/bench/compare"
	"voted/bench/hooks"
	"voted/bench/scale"
	"voted/bench/viewers"
)

// The exit codes.
const (
	exitExact       = 0
	exitTool        = 1 // the tool itself failed, or was asked for nonsense
	exitNotExact    = 3
	exitInterrupted = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commandLine is the whole grammar.
type commandLine struct {
	Compare compareCommand `cmd:"" help:"Measure voted, a bare handler, etcd and PostgreSQL on the same work, in one run."`
	Scale   scaleCommand   `cmd:"" help:"Measure what ten million ballots, or a million polls, cost."`
	Viewers viewersCommand `cmd:"" help:"Measure what ten thousand live streams of a busy poll cost."`
	Hooks   hooksCommand   `cmd:"" help:"Measure webhooks, most of whose receivers hang."`
}

// session is what the commands run in and write to.
type session struct {
	ctx            context.Context
	stdout, stderr io.Writer
}

// compareCommand measures voted and other systems in turn.
type compareCommand struct{ compare.Options }

// Help implements kong.HelpProvider.
func (*compareCommand) Help() string {
	return `Systems that are not installed are left out, and named in the report.

Examples:

  go run ./bench compare

  go run ./bench compare --rounds 1 --seconds 2 --systems voted,bare

  go run ./bench compare --connections 64,512 --no-bulk --out compare.json

  go run ./bench compare --tls --systems voted,etcd

  go run ./bench compare --systems voted,proofs --no-replays

  go run ./bench compare --systems voted,hooks --no-replays`
}

// Run implements kong's command.
func (c *compareCommand) Run(s *session) error {
	c.Progress = s.stderr
	return compare.Run(s.ctx, c.Options, s.stdout)
}

// scaleCommand measures large polls and many polls.
type scaleCommand struct{ scale.Options }

// Help implements kong.HelpProvider.
func (*scaleCommand) Help() string {
	return `Examples:

  go run ./bench scale

  go run ./bench scale --voters 200000 --seconds 3

  go run ./bench scale --proofs

  go run ./bench scale --polls 1000000 --voters 10 --out scale.json`
}

// Run implements kong's command.
func (c *scaleCommand) Run(s *session) error {
	c.Progress = s.stderr
	return scale.Run(s.ctx, c.Options, s.stdout)
}

// viewersCommand measures live results.
type viewersCommand struct{ viewers.Options }

// Help implements kong.HelpProvider.
func (*viewersCommand) Help() string {
	return `Examples:

  go run ./bench viewers

  go run ./bench viewers --viewers 500 --seconds 5

  go run ./bench viewers --tls --spread --out viewers.json`
}

// Run implements kong's command.
func (c *viewersCommand) Run(s *session) error {
	c.Progress = s.stderr
	return viewers.Run(s.ctx, c.Options, s.stdout)
}

// hooksCommand measures webhooks.
type hooksCommand struct{ hooks.Options }

// Help implements kong.HelpProvider.
func (*hooksCommand) Help() string {
	return `Examples:

  go run ./bench hooks

  go run ./bench hooks --hanging 50 --healthy 5 --seconds 5

  go run ./bench hooks --out hooks.json`
}

// Run implements kong's command.
func (c *hooksCommand) Run(s *session) error {
	c.Progress = s.stderr
	return hooks.Run(s.ctx, c.Options, s.stdout)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commandLine
	help := false
	parser, err := kong.New(
		&c, kong.Name("bench"), kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(int) { help = true }),
		kong.Description("Measures voted on this machine, next to other systems or at large sizes, and counts every ballot afterwards.\n\n"+
			"Exit: 0 measured and EXACT, 3 NOT EXACT, 5 interrupted, 1 the tool failed.\n\n"+
			"Example: go run ./bench compare --rounds 1 --seconds 2 --systems voted,bare"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitTool
	}
	chosen, err := parser.Parse(args)
	if help {
		return exitExact
	}
	if err == nil {
		err = chosen.Run(&session{ctx: ctx, stdout: stdout, stderr: stderr})
	}
	switch {
	case err == nil:
		return exitExact
	case errors.Is(err, compare.ErrNotExact), errors.Is(err, scale.ErrNotExact), errors.Is(err, viewers.ErrNotExact), errors.Is(err, hooks.ErrNotExact):
		fmt.Fprintln(stderr, "bench:", err)
		return exitNotExact
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted; nothing was measured to its end")
		return exitInterrupted
	}
	fmt.Fprintln(stderr, "bench:", err)
	return exitTool
}

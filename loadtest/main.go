// Loadtest kills the leader again and again while it offers ballots at a constant
// rate and sends a share of them again, and proves that each counted exactly once.
//
//	go run ./loadtest                 three nodes of its own, about a minute
//	go run ./loadtest --targets URL,… a cluster that runs already
//	go run ./loadtest check DIR       the verdict once more, from the files of a run
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/internal/usage"
	"voted/loadtest/report"
)

// The exit codes.
const (
	exitExact        = 0
	exitTool         = 1 // the tool itself failed, or its command line makes no sense
	exitNotExact     = 3
	exitThreshold    = 4
	exitInconclusive = 5
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commandLine is the whole grammar.
type commandLine struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Run the load test (the default command)."`
	Check checkCommand `cmd:"" help:"Compute the verdict of an earlier run again, from its files alone."`
}

// session is what commands write to, and how they end.
type session struct {
	ctx    context.Context
	args   []string
	stdout io.Writer
	code   int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && (args[0] == "compare" || args[0] == "scale") {
		fmt.Fprintf(stderr, "loadtest: %s is a command of bench now: go run ./bench %s\n", args[0], strings.Join(args, " "))
		return exitTool
	}
	s := &session{ctx: ctx, args: args, stdout: stdout, code: exitTool}
	var c commandLine
	help := false
	parser, err := kong.New(
		&c, kong.Name("loadtest"), kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(int) { help = true }),
		kong.Description("Kills the leader again and again while ballots are cast, and proves that each counted exactly once.\n\n"+
			"Exit: 0 EXACT and thresholds held, 3 NOT EXACT, 4 a threshold broke, 5 INCONCLUSIVE, 1 the tool failed."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitTool
	}
	chosen, err := parser.Parse(args)
	if help {
		return exitExact
	}
	if err == nil {
		err = chosen.Run(s)
	}
	switch {
	case err == nil:
		return s.code
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "loadtest: interrupted before anything was sent; nothing is proven")
		return exitInconclusive
	}
	fmt.Fprintln(stderr, "loadtest:", err)
	if usage.Is(err) {
		fmt.Fprintln(stderr, "See `go run ./loadtest --help`.")
	}
	return exitTool
}

// codeOf returns the exit code of a report.
func codeOf(r *report.Report) int {
	switch r.Verdict {
	case report.NotExact:
		return exitNotExact
	case report.Inconclusive:
		return exitInconclusive
	}
	for _, t := range r.Thresholds {
		if !t.Held {
			return exitThreshold
		}
	}
	return exitExact
}

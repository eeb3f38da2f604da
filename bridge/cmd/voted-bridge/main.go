// Command voted-bridge stands between a message broker and a voted cluster: `voted-bridge --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/internal/usage"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	// exitConfig means that another command line cures it (EX_CONFIG of sysexits.h), so that a supervisor must not start
	// the bridge again. It is not 2, with which a crash of the Go runtime exits.
	exitConfig = 78
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// commandLine is the whole grammar: kong reads the flags from the fields, and the help from their tags.
type commandLine struct {
	LogLevel  string `help:"Least level that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"text for people, json for machines." enum:"text,json" default:"text" placeholder:"FORMAT"`

	Ballots ballotsCommand `cmd:"" help:"Cast the ballots that a stream holds."`
	Feed    feedCommand    `cmd:"" help:"Publish what happens in the cluster, and ballots of polls, to streams."`
}

// session is what every command receives.
type session struct {
	ctx    context.Context // ends with the first SIGINT or SIGTERM
	log    *slog.Logger
	stdout io.Writer
}

// exitRequest carries an exit code out of kong.
type exitRequest int

// run executes one command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		// kong ends the program after --help; a panic brings that here.
		if r := recover(); r != nil {
			requested, ok := r.(exitRequest)
			if !ok {
				panic(r)
			}
			code = int(requested)
		}
	}()
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("voted-bridge"),
		kong.Description("A bridge between NATS JetStream and a voted cluster. It keeps nothing: it may be killed and started again, and run twice."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.DefaultEnvars("VOTED_BRIDGE"),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(stderr, "voted-bridge:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "voted-bridge: %v; see `voted-bridge --help`\n", err)
		return exitConfig
	}
	ctx, stop := untilSignal(stderr)
	defer stop()
	err = command.Run(&session{ctx: ctx, log: line.logger(stderr), stdout: stdout})
	switch {
	case err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitDone
	case usage.Is(err):
		fmt.Fprintln(stderr, "voted-bridge:", err)
		return exitConfig
	}
	fmt.Fprintln(stderr, "voted-bridge:", err)
	return exitFailed
}

func (l *commandLine) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		level = slog.LevelInfo // kong lets only known levels through
	}
	options := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The second one ends the process at once.
func untilSignal(stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // ends with the command
		for first := true; ; first = false {
			select {
			case <-signals:
				if !first {
					fmt.Fprintln(stderr, "voted-bridge: stopped at once, on a second signal")
					os.Exit(exitFailed)
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

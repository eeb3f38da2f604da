// Command voted is a node of the voting service, and everything to work with
// one: `voted --help`.
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

	"voted/cmd/voted/display"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // another command line would cure it
)

func main() {
	dropEmpty()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// session is what every command is given.
type session struct {
	ctx    context.Context // ends with the first SIGINT or SIGTERM
	stdout *display.Output
	stderr *display.Output
	flags  *commonFlags
}

// run carries out one command line and returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	out, errs := display.New(stdout), display.New(stderr)
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
	parser, err := newParser(&line, stdout, stderr)
	if err != nil {
		complain(errs, err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		complain(errs, usageError(err))
		return exitUsage
	}
	ctx, stop := untilSignal(errs)
	defer stop()
	err = command.Run(&session{ctx: ctx, stdout: out, stderr: errs, flags: &line.commonFlags})
	if err != nil {
		if !errors.Is(err, errSaid) {
			complain(errs, err)
		}
		return exitCode(err)
	}
	return exitDone
}

// exitRequest carries an exit code out of kong.
type exitRequest int

func newParser(line *commandLine, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(line,
		kong.Name("voted"),
		kong.Description("A distributed voting service in which every ballot counts exactly once."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.DefaultEnvars("VOTED"),
		kong.Configuration(configFile),
		kong.UsageOnError(),
	)
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The
// second one ends the process at once: somebody does not want to wait.
func untilSignal(errs *display.Output) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { // ends with the command
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			fmt.Fprintln(errs, "voted: stopped at once, on a second signal")
			os.Exit(exitFailed)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

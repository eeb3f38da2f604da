// Command voted is a node of the voting service, and the commands to use and run one:
// `voted --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"voted/cmd/voted/display"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // another command line would cure it
	// exitConfig is exitUsage for voted serve (EX_CONFIG of sysexits.h): the supervisor
	// must not start the node again. It is not 2, because a crash of the Go runtime exits
	// with 2, and a node that crashed must be started again.
	exitConfig = 78
)

func main() {
	dropEmpty()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// session is what every command receives.
type session struct {
	ctx     context.Context  // ends with the first SIGINT or SIGTERM
	hangups <-chan os.Signal // of voted serve; SIGHUP ends other commands as SIGTERM does
	stdout  *display.Output
	stderr  *display.Output
	flags   *commonFlags
}

// run executes one command line and returns the exit code.
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
	if err := checkText(args, os.Environ()); err != nil {
		complainAs(errs, err, slices.Contains(args, "--json"))
		return exitCode(err, serves(err, args))
	}
	command, err := parser.Parse(args)
	stray := strayVariables(parser.Model, os.Environ())
	if err != nil {
		warn(errs, stray) // one of them may be what is missing
		said := usageError(err)
		complainAs(errs, said, slices.Contains(args, "--json"))
		return exitCode(said, serves(err, args))
	}
	serving := command.Command() == "serve"
	ctx, hangups, stop := untilSignal(errs, serving)
	defer stop()
	s := &session{ctx: ctx, hangups: hangups, stdout: out, stderr: errs, flags: &line.commonFlags}
	if serving {
		for _, sentence := range stray {
			s.logger().Warn(sentence)
		}
	} else {
		warn(errs, stray)
		warn(errs, exposedSecrets(command))
		warn(errs, idleCertificates(command))
	}
	err = command.Run(s)
	if lost := out.Err(); lost != nil && (err == nil || errors.Is(err, errSaid) || errors.Is(err, lost)) {
		err = fmt.Errorf("the output could not be written, and is not complete: %w", bare(lost))
	}
	if err != nil {
		if !errors.Is(err, errSaid) {
			complainAs(errs, err, asksJSON(command))
		}
		return exitCode(err, serving)
	}
	return exitDone
}

// asksJSON reports whether a command is to print JSON.
func asksJSON(command *kong.Context) bool {
	for _, flag := range command.Flags() {
		if flag.Name == "json" && flag.Target.Kind() == reflect.Bool {
			return flag.Target.Bool()
		}
	}
	return false
}

// serves reports whether a command line that kong refuses is one of voted serve.
func serves(err error, args []string) bool {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		return parse.Context.Selected().Name == "serve"
	}
	for _, arg := range args {
		if !strings.HasPrefix(arg, "-") {
			return arg == "serve"
		}
	}
	return false
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
		offered(),
		kong.Configuration(configFile),
		kong.UsageOnError(),
	)
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The second
// one ends the process at once, for users that do not want to wait. SIGHUP does the same,
// unless tellHangups sends it to the returned channel instead.
func untilSignal(errs *display.Output, tellHangups bool) (context.Context, <-chan os.Signal, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, hangups := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if tellHangups {
		signal.Notify(hangups, syscall.SIGHUP)
	} else {
		signal.Notify(signals, syscall.SIGHUP)
	}
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
	return ctx, hangups, func() {
		signal.Stop(signals)
		signal.Stop(hangups)
		close(done)
		cancel()
	}
}

// Demo puts a broker's stream of ballots through bridges into a cluster while bridges and leaders are killed, and
// compares what is in the box with what was sent: `go -C bridge run ./demo`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings are what a demonstration is run with.
type settings struct {
	voters  int
	kills   int // of bridges
	leaders int // killed
	seed    uint64
	control bool // the bridges acknowledge before they cast: the demonstration must find what that loses
	limit   time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if the demonstration ended as it must.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s := settings{}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.voters, "voters", 60_000, "how many vote")
	flags.IntVar(&s.kills, "kills", 6, "how often a bridge is killed (SIGKILL)")
	flags.IntVar(&s.leaders, "leaders", 2, "how often the cluster's leader is killed (SIGKILL)")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the stream's order")
	flags.BoolVar(&s.control, "control", false, "plant a bridge that acknowledges before it casts; what it loses must be found")
	flags.DurationVar(&s.limit, "limit", 5*time.Minute, "give up after this long")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if s.voters < 100 || s.kills < 0 || s.leaders < 0 {
		fmt.Fprintln(stderr, "demo: at least 100 must vote, and nothing is killed less often than never")
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	v, err := demonstrate(ctx, s, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "demo:", errors.Join(err, context.Cause(ctx)))
		return 1
	}
	v.print(stdout)
	switch {
	case s.control && v.lost > 0:
		fmt.Fprintln(stdout, "As it must be: this bridge acknowledges before it casts, and that was found.")
		return 0
	case s.control:
		fmt.Fprintln(stdout, "The planted bridge lost nothing, or nothing that was found: this run proves nothing.")
		return 1
	case !v.exact():
		return 1
	}
	return 0
}

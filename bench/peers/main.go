package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// setupTimeout bounds connecting and counting, which are not measured.
const setupTimeout = 2 * time.Minute

func main() { os.Exit(run()) }

// work is what one call is to do.
type work struct {
	endpoints   []string
	caFile      string
	url         string
	mode        string
	connections int
	seconds     float64
	poll        string
	batch       int
}

func run() int {
	var w work
	var endpoints string
	flag.StringVar(&endpoints, "endpoints", "", "etcd: host:port,…")
	flag.StringVar(&w.caFile, "ca", "", "etcd: file of the CA that its certificates are of; without it the endpoints are plain")
	flag.StringVar(&w.url, "url", "", "PostgreSQL: connection string; PGPASSWORD has the password")
	flag.StringVar(&w.mode, "mode", "single", "single, bulk-insert, bulk-copy, or prepare")
	flag.IntVar(&w.connections, "connections", 1, "clients at the same time")
	flag.Float64Var(&w.seconds, "seconds", 5, "time to measure")
	flag.StringVar(&w.poll, "poll", "", "what the keys begin with; new for each call")
	flag.IntVar(&w.batch, "batch", 10_000, "rows in one bulk statement")
	flag.Parse()
	if endpoints != "" {
		w.endpoints = strings.Split(endpoints, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := w.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		return 1
	}
	return 0
}

// peer is a system under load, connected.
type peer interface {
	// clients returns one function for each connection. It creates keys that
	// were absent, each number once, and returns how many it created.
	clients() []func(ctx context.Context, number uint64) (uint64, error)
	// perCall is how many numbers one call uses.
	perCall() uint64
	// counted returns how many keys the system has of this call.
	counted(ctx context.Context) (uint64, error)
	close()
}

func (w work) connect(ctx context.Context) (peer, error) {
	switch {
	case len(w.endpoints) > 0 && w.mode == "single":
		return connectEtcd(ctx, w)
	case w.url != "":
		return connectPostgres(ctx, w)
	}
	return nil, errors.New("give --endpoints of etcd or --url of PostgreSQL")
}

func (w work) run(ctx context.Context) error {
	setup, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	if w.mode == "prepare" {
		return preparePostgres(setup, w.url)
	}
	if w.poll == "" || w.connections < 1 || w.seconds <= 0 || w.batch < 1 {
		return errors.New("--poll, --connections, --seconds and --batch are needed")
	}
	p, err := w.connect(setup)
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("no one said when to begin: %w", err)
	}
	figures := measure(ctx, p, time.Duration(w.seconds*float64(time.Second)))
	if err := json.NewEncoder(os.Stdout).Encode(figures); err != nil {
		return err
	}
	count, cancelCount := context.WithTimeout(ctx, setupTimeout)
	defer cancelCount()
	stored, err := p.counted(count)
	if err != nil {
		return fmt.Errorf("the keys could not be counted: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]uint64{"stored": stored})
}

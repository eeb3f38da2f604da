package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
)

const (
	createTable = `CREATE TABLE IF NOT EXISTS ballots (
		poll text NOT NULL, voter text NOT NULL, selection text NOT NULL,
		cast_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (poll, voter))`
	insertOne  = `INSERT INTO ballots (poll, voter, selection) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	insertMany = `INSERT INTO ballots (poll, voter, selection) SELECT $1, v, $3 FROM unnest($2::text[]) v ON CONFLICT DO NOTHING`
	countAll   = `SELECT count(*) FROM ballots WHERE poll = $1`

	// dialAtOnce is how many connections are opened at the same time.
	dialAtOnce = 8
)

// preparePostgres makes the table.
func preparePostgres(ctx context.Context, url string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("PostgreSQL cannot be reached: %w", err)
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, createTable)
	return err
}

// postgres has one connection for each client.
type postgres struct {
	work  work
	conns []*pgx.Conn
}

func connectPostgres(ctx context.Context, w work) (peer, error) {
	p := &postgres{work: w, conns: make([]*pgx.Conn, w.connections)}
	errs := make([]error, w.connections)
	slots := make(chan struct{}, dialAtOnce)
	var all sync.WaitGroup
	for i := range p.conns {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if p.conns[i], errs[i] = pgx.Connect(ctx, w.url); errs[i] == nil && w.mode == "single" {
				_, errs[i] = p.conns[i].Prepare(ctx, insertOne, insertOne)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			p.close()
			return nil, fmt.Errorf("PostgreSQL cannot be reached: %w", err)
		}
	}
	return p, nil
}

func (p *postgres) clients() []func(context.Context, uint64) (uint64, error) {
	calls := make([]func(context.Context, uint64) (uint64, error), len(p.conns))
	for i, c := range p.conns {
		switch p.work.mode {
		case "bulk-copy":
			calls[i] = func(ctx context.Context, from uint64) (uint64, error) { return p.copyRows(ctx, c, from) }
		case "bulk-insert":
			calls[i] = func(ctx context.Context, from uint64) (uint64, error) { return p.insertRows(ctx, c, from) }
		default:
			calls[i] = func(ctx context.Context, n uint64) (uint64, error) {
				tag, err := c.Exec(ctx, insertOne, p.work.poll, voter(n), "a")
				return uint64(tag.RowsAffected()), err
			}
		}
	}
	return calls
}

// copyRows is the fastest way in; it has no ON CONFLICT, so one voter who is there
// already would refuse the whole batch.
func (p *postgres) copyRows(ctx context.Context, c *pgx.Conn, from uint64) (uint64, error) {
	n, err := c.CopyFrom(ctx, pgx.Identifier{"ballots"}, []string{"poll", "voter", "selection"},
		pgx.CopyFromSlice(p.work.batch, func(i int) ([]any, error) {
			return []any{p.work.poll, voter(from + uint64(i)), "a"}, nil
		}))
	return uint64(n), err
}

func (p *postgres) insertRows(ctx context.Context, c *pgx.Conn, from uint64) (uint64, error) {
	voters := make([]string, p.work.batch)
	for i := range voters {
		voters[i] = voter(from + uint64(i))
	}
	tag, err := c.Exec(ctx, insertMany, p.work.poll, voters, "a")
	return uint64(tag.RowsAffected()), err
}

func voter(n uint64) string { return "v" + strconv.FormatUint(n, 10) }

func (p *postgres) perCall() uint64 {
	if p.work.mode == "single" {
		return 1
	}
	return uint64(p.work.batch)
}

func (p *postgres) counted(ctx context.Context) (n uint64, err error) {
	return n, p.conns[0].QueryRow(ctx, countAll, p.work.poll).Scan(&n)
}

func (p *postgres) close() {
	for _, c := range p.conns {
		if c != nil {
			_ = c.Close(context.Background()) // nothing is under way
		}
	}
}

package main

import (
	"bufio"
	"errors"
	"io"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/outfile"
	"voted/internal/usage"
)

type exportCommand struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Format string `help:"${formats}." enum:"${formatEnum}" default:"ndjson" placeholder:"FORMAT"`
	Audit  bool   `help:"Write the whole log of the poll with what opens its ballots, for auditors: NDJSON; needs the role auditor."`
	Output string `help:"Write to this file instead of the standard output." short:"o" placeholder:"FILE"`
}

func (exportCommand) Help() string {
	return `The ballots at one log index: each of them where the poll discloses its ballots, as open polls do; of other secret polls, once they
have closed, how many hold each choice. A file appears only once it is complete.

    voted export board --format csv -o board.csv
    voted export board --audit -o board.audit
    voted export board --format cvr -o board.json
    voted export council --format blt -o council.blt

What other programs read (cvr, preflib, blt, abif, rctab-csv) names no voters, numbers or times, and is in an order that
the ballots alone decide: nobody can see from it who voted when. Weights become counts.`
}

// Run writes the ballots.
func (c *exportCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if c.Audit && c.Format != string(client.NDJSON) {
		return usage.Errorf("--audit writes NDJSON; leave --format out")
	}
	write := func(w io.Writer) (client.Meta, error) {
		meta, err := cl.Export(s.ctx, c.Poll, client.Format(c.Format), w)
		return meta, otherFormat(err)
	}
	if c.Audit {
		write = func(w io.Writer) (client.Meta, error) { return cl.Audit(s.ctx, c.Poll, w) }
	}
	if c.Output == "" || c.Output == "-" {
		_, err := write(s.stdout.Data())
		return err
	}
	meta, err := writeWhole(c.Output, write)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s, map[string]any{"poll": c.Poll, "file": c.Output, "format": c.Format, "index": meta.Index})
	}
	s.stderr.Linef("wrote %s: the ballots of %s at log index %s", c.Output, c.Poll, display.Int(meta.Index))
	return nil
}

// otherFormat marks the refusal of a format, since another one would do.
func otherFormat(err error) error {
	if errors.Is(err, client.CodeNotAcceptable) {
		return usage.Mark(err)
	}
	return err
}

// writeWhole writes a file that appears only once it is complete. If it is a terminal,
// control characters are escaped.
func writeWhole(name string, write func(io.Writer) (client.Meta, error)) (client.Meta, error) {
	file, err := outfile.Create(name)
	if err != nil {
		return client.Meta{}, outputProblem(name, err)
	}
	defer file.Close()
	buffered := bufio.NewWriterSize(display.New(file.File).Data(), 1<<18)
	meta, err := write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Commit()
	}
	return meta, fileFault(name, err)
}

package main

import (
	"bufio"
	"io"
	"os"

	"voted/client"
	"voted/cmd/voted/display"
)

type exportCommand struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Format string `help:"ndjson, csv, cvr (NIST cast vote records) or preflib." enum:"ndjson,csv,cvr,preflib" default:"ndjson" placeholder:"FORMAT"`
	Output string `help:"Write to this file instead of the standard output." short:"o" placeholder:"FILE"`
}

func (exportCommand) Help() string {
	return `All ballots at one log index. A file appears only once it is complete.

    voted export board --format csv -o board.csv`
}

// Run writes the ballots.
func (c *exportCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	write := func(w io.Writer) (client.Meta, error) { return cl.Export(s.ctx, c.Poll, client.Format(c.Format), w) }
	if c.Output == "" || c.Output == "-" {
		_, err := write(s.stdout)
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

// writeWhole writes a file under another name first, so that a broken export is
// never mistaken for a complete one.
func writeWhole(name string, write func(io.Writer) (client.Meta, error)) (client.Meta, error) {
	partial := name + ".partial"
	file, err := os.Create(partial)
	if err != nil {
		return client.Meta{}, fileProblem(partial, err)
	}
	defer os.Remove(partial) // it is gone once it has been renamed
	defer file.Close()
	buffered := bufio.NewWriterSize(file, 1<<18)
	meta, err := write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return meta, err
	}
	if err := os.Rename(partial, name); err != nil {
		return meta, fileProblem(name, err)
	}
	return meta, nil
}

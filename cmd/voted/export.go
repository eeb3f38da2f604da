package main

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"time"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/outfile"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/tally"
	"voted/internal/usage"
)

type exportCommand struct {
	connection
	Poll   string `arg:"" help:"Id of the poll."`
	Format string `help:"${formats}; or, without voters and sorted by content, ${profileFormats}." enum:"${formatEnum}" default:"ndjson" placeholder:"FORMAT"`
	Output string `help:"Write to this file instead of the standard output." short:"o" placeholder:"FILE"`
}

func (exportCommand) Help() string {
	return `All ballots at one log index. A file appears only once it is complete.

    voted export board --format csv -o board.csv
    voted export board --format cvr -o board.json
    voted export council --format blt -o council.blt

What other programs read (cvr, preflib, blt, abif, rctab-csv) names no voters, numbers or times, and is in an order that
the ballots alone decide: nobody can see from it who voted when. Weights become counts.`
}

// profileFormats are the formats that the command makes itself, of the service's export.
var profileFormats = []profilefile.Kind{profilefile.CVR, profilefile.PrefLib, profilefile.BLT, profilefile.ABIF, profilefile.RCTab}

// Run writes the ballots.
func (c *exportCommand) Run(s *session) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	write := func(w io.Writer) (client.Meta, error) { return cl.Export(s.ctx, c.Poll, client.Format(c.Format), w) }
	if kind := profilefile.Kind(c.Format); slices.Contains(profileFormats, kind) {
		// The ballots are read before the file is opened: what cannot be written leaves nothing.
		p, meta, err := exportedProfile(s, cl, c.Poll)
		if err != nil {
			return err
		}
		write = func(w io.Writer) (client.Meta, error) { return meta, writeProfile(w, p, kind, c.Poll) }
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

// exportedProfile reads the ballots of a poll, as of one log index.
func exportedProfile(s *session, cl *client.Client, id string) (*profile.Profile, client.Meta, error) {
	p, err := cl.Poll(s.ctx, id)
	if err != nil {
		return nil, client.Meta{}, err
	}
	asked := profilefile.Asked{Kind: profilefile.NDJSON}
	for _, o := range p.Options {
		asked.Options = append(asked.Options, profile.Option{ID: o.ID, Title: titleOf(o)})
	}
	method, known := tally.ByName(string(p.Method))
	if !known {
		return nil, client.Meta{}, usage.Errorf("the poll's method %q is not known to this program; take one of its cluster's version", p.Method)
	}
	from, to := io.Pipe()
	type exported struct {
		meta client.Meta
		err  error
	}
	done := make(chan exported, 1)
	go func() { // ends with the export, or when from is closed
		meta, err := cl.Export(s.ctx, id, client.NDJSON, to)
		_ = to.CloseWithError(err) // never fails
		done <- exported{meta, err}
	}()
	found, err := profilefile.Read(from, asked)
	_ = from.CloseWithError(err) // never fails
	e := <-done
	switch {
	case e.err != nil && !errors.Is(e.err, err):
		return nil, e.meta, e.err
	case err != nil:
		return nil, e.meta, err
	}
	if len(found.Groups) > 0 && found.Form != method.Form {
		return nil, e.meta, errors.New("the export has other ballots than the poll's method counts; this is a fault of the service")
	}
	found.Title, found.Method, found.Form, found.Seats = p.Title, string(p.Method), method.Form, p.Seats
	if method.Form == tally.Choice {
		found.MaxChoices = p.MaxSelections
	}
	if method.Form == tally.Scores {
		found.MaxScore = p.MaxScore
	}
	return found.Profile, e.meta, nil
}

// writeProfile writes ballots for another program.
func writeProfile(w io.Writer, p *profile.Profile, kind profilefile.Kind, name string) error {
	err := profilefile.Write(w, p, kind, name, time.Now())
	if unwritable := new(profile.UnwritableError); errors.As(err, &unwritable) {
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

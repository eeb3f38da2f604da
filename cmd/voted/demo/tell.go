package demo

import (
	"fmt"

	"voted/cmd/voted/display"
)

// head writes what is going to happen.
func (d *demonstration) head() {
	o := d.people
	o.Linef("%s", o.Paint(display.Bold, pollTitle))
	o.Linef("%s", o.Paint(display.Dim, fmt.Sprintf("%s ballots in %s requests; the leader is killed half way",
		display.Int(len(d.plan.votes)), display.Int(len(d.plan.requests)))))
	o.Linef("")
}

// nodes lists the processes.
func (d *demonstration) nodes() {
	t := display.Table{Bare: true, Indent: 2, Columns: make([]display.Column, 3)}
	for _, n := range d.cluster.Nodes {
		t.Row(display.Cell{Text: n.ID, Style: display.Bold}, display.Cell{Text: n.URL, Style: display.Cyan},
			display.Cell{Text: fmt.Sprintf("process %d", n.Pid()), Style: display.Dim})
	}
	t.Write(d.people)
	d.people.Linef("")
}

// tell writes the report: the ledger, the checks, the count and the verdict.
func (d *demonstration) tell(r *Report) {
	o := d.people
	o.Linef("")
	section(o, "Ledger")
	d.ledgerTable(r).Write(o)
	o.Linef("")
	section(o, "Checks")
	checksTable(r).Write(o)
	if len(d.results.Rounds) > 0 {
		o.Linef("")
		section(o, "Count (instant runoff)")
		o.Rounds(d.results, titles())
	}
	o.Linef("")
	d.verdict(r)
}

func section(o *display.Output, name string) { o.Linef("%s", o.Paint(display.Bold, name)) }

func titles() display.Titles {
	t := display.Titles{}
	for _, option := range options {
		t[option.ID] = option.Title
	}
	return t
}

func (d *demonstration) ledgerTable(r *Report) *display.Table {
	t := &display.Table{Bare: true, Indent: 2, Columns: []display.Column{{}, {Right: true}, {Flex: true}}}
	add := func(name string, n string, note string) {
		t.Row(display.Cell{Text: name}, display.Cell{Text: n, Style: display.Bold}, display.Cell{Text: note, Style: display.Dim})
	}
	add("voters", display.Int(r.Voters), "")
	add("requests", display.Int(r.Sent), fmt.Sprintf("%s a second", display.Int(int64(float64(r.Sent)/max(r.CastSeconds, 0.1)))))
	add("  duplicates", display.Int(r.Duplicates), fmt.Sprintf("%s of them answered by another node", display.Int(r.Elsewhere)))
	add("  retries", display.Int(r.Retries), "further tries by the client")
	add("counted", display.Int(r.Counted), "")
	add("replayed", display.Int(r.Replayed), "the first receipt again")
	add("failed", display.Int(r.Failed), "")
	add("leaders killed", display.Int(r.LeaderKills), "")
	add("longest pause", fmt.Sprintf("%.0f ms", r.UnavailableMS), "after the kill, with no ballot newly counted")
	return t
}

func checksTable(r *Report) *display.Table {
	t := &display.Table{Bare: true, Indent: 2, Columns: []display.Column{{}, {}, {Flex: true}}}
	for _, c := range r.Checks {
		mark := display.Cell{Text: "✓", Style: display.Good}
		if !c.OK {
			mark = display.Cell{Text: "✗", Style: display.Bad}
		}
		t.Row(mark, display.Cell{Text: c.Name}, display.Cell{Text: c.Detail, Style: display.Dim})
	}
	return t
}

func (d *demonstration) verdict(r *Report) {
	o := d.people
	if r.Exact() {
		o.Linef("%s  %s voters, %s ballots: none lost, none counted twice. %.0f s",
			o.Paint(display.Good, r.Verdict), display.Int(r.Voters), display.Int(r.Ballots), r.Seconds)
		return
	}
	o.Linef("%s", o.Paint(display.Bad, r.Verdict))
	for _, c := range r.Checks {
		if !c.OK {
			o.Linef("  %s: %s", c.Name, c.Detail)
		}
	}
}

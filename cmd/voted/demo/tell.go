package demo

import (
	"fmt"
	"slices"

	"voted/client"
	"voted/cmd/voted/display"
)

// head writes what is going to happen.
func (d *demonstration) head() {
	o := d.people
	o.Linef("%s", o.Paint(display.Bold, d.election.Definition.Title))
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
		section(o, "Count ("+methods[d.election.Definition.Method]+")")
		o.Rounds(d.results, d.titles())
		o.Linef("")
		section(o, "Published beside counted")
		d.publishedTable().Write(o)
		o.Para(display.Dim, "Published: "+d.election.Published.Source+".")
		if len(d.types) > 0 && d.scaled() {
			o.Para(display.Dim, "Fewer ballots were cast than the election had, so the two differ.")
		}
	}
	o.Linef("")
	if r.Receipt != nil {
		d.tellProven(r.Receipt)
		o.Linef("")
	}
	d.verdict(r)
}

func section(o *display.Output, name string) { o.Linef("%s", o.Paint(display.Bold, name)) }

// methods are the methods of the elections, for people.
var methods = map[client.Method]string{client.IRV: "instant runoff", client.STV: "single transferable vote"}

func (d *demonstration) titles() display.Titles { return display.TitlesOf(d.election.Definition) }

// scaled reports whether fewer ballots are cast than the election had.
func (d *demonstration) scaled() bool { return votersOf(d.types) < votersOf(d.election.types) }

// publishedTable has the first and the last round, as published and as counted.
func (d *demonstration) publishedTable() *display.Table {
	t := &display.Table{Indent: 2, Columns: []display.Column{
		{Title: "OPTION"}, {Title: "FIRST ROUND", Right: true}, {Title: "COUNTED", Right: true}, {Title: "LAST ROUND", Right: true}, {Title: "COUNTED", Right: true}, {},
	}}
	said, counted := d.election.Published, d.results
	last, ours := said.Rounds[len(said.Rounds)-1], counted.Rounds[len(counted.Rounds)-1]
	for _, o := range d.election.Definition.Options {
		cells := []string{d.titles()[o.ID], votes(said.Rounds[0], o.ID), votes(counted.Rounds[0], o.ID), votes(last, o.ID), votes(ours, o.ID), ""}
		if slices.Contains(said.Winners, o.ID) {
			cells[5] = "elected"
		}
		t.Row(display.Cells(cells...)...)
	}
	return t
}

func votes(r client.Round, id string) string {
	if v := r.Votes[id]; v != 0 {
		return display.Count(float64(v))
	}
	return "–"
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

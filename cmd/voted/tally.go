package main

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"voted/client"
	"voted/cmd/voted/display"
	"voted/internal/backup"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/resultfile"
	"voted/internal/resultjson"
	"voted/internal/tally"
	"voted/internal/usage"
)

type tallyCommand struct {
	File          string   `arg:"" help:"Ballots: NDJSON, CSV, BLT, PrefLib, ABIF, NIST cast vote records (JSON), RCTab's CSV or a backup; - is the standard input."`
	Poll          string   `help:"Id of the poll, in a backup that has several." placeholder:"ID"`
	Definition    string   `help:"Definition of the poll, in JSON: its options, method, seats and rules." placeholder:"FILE"`
	Method        string   `help:"${methods}; else as the definition or the file says." placeholder:"METHOD"`
	Seats         *int     `help:"How many options are elected; else as the definition or the file says, else 1." placeholder:"N"`
	Rule          []string `help:"A rule of the method, such as until=two; repeatable. Options stand apart by commas: lot=bo,ann." placeholder:"NAME=VALUE" sep:"none"`
	TieBreak      string   `help:"What decides ties in the end: listed, lot (with --rule lot=…) or report." placeholder:"WORD"`
	MaxSelections int      `help:"A ballot that chooses more options counts for none of them." placeholder:"N"`
	From          string   `help:"What the file is: ${fileKinds}; found out by itself." placeholder:"KIND"`
	Contest       string   `help:"Id or name of the contest, where cast vote records have several." placeholder:"NAME"`
	Encoding      string   `help:"Encoding of the file, such as windows-1252; UTF-8 and UTF-16 are found out." placeholder:"NAME"`
	Separator     string   `help:"What separates the columns of CSV: comma, semicolon, tab or pipe; found by the titles." placeholder:"NAME"`
	JSON          bool     `help:"Print JSON instead of a table." name:"json" xor:"form"`
	Report        bool     `help:"Print a report in plain text, the same bytes on every machine." xor:"form"`
	Format        string   `help:"Print csv (rounds, else pairs, else votes), pairs (CSV) or rctab (JSON) instead." placeholder:"FORMAT" xor:"form"`
}

func (tallyCommand) Help() string {
	return `Counts a file without a cluster, and prints what "voted results" would. Nothing is sent anywhere.

    voted tally council.blt --method stv --rule rule_set=scottish
    voted tally board.csv --definition board.json --report
    voted export lunch | voted tally - --method approval
    voted tally monday.backup --poll board

Ballots count as they are marked: skipped ranks, options that share a rank and options at two ranks are for
the rules of the method. A file with anything wrong in it is refused as a whole. A backup, of any member, is checked to
its end as "voted verify" does, and its poll is counted from the single records by its own definition, also while it is
open; flags go before that definition.`
}

// tallyFormats are the values of --format.
var tallyFormats = []string{"csv", "pairs", "rctab"}

// Run counts the file.
func (c *tallyCommand) Run(s *session) error {
	if c.Format != "" && !slices.Contains(tallyFormats, c.Format) {
		return usage.Errorf("--format %q is not known; give one of %s, or --json or --report", c.Format, strings.Join(tallyFormats, ", "))
	}
	d, file, err := c.read(s)
	if err != nil {
		return err
	}
	method, told, err := c.method(d)
	if err != nil {
		return err
	}
	if told && method.Form != file.Form && len(file.Groups) > 0 {
		return ballotsProblem(c.File, &profilefile.FormError{Has: file.Form}, "counted", otherMethod)
	}
	if !told {
		method = naturalMethod(file.Profile, max(c.seats(), file.Seats))
		s.stderr.Linef("no method was named: counted by %s; name another one with --method", method.Name)
	}
	if method.OneSeat && file.Seats > 1 && c.Seats == nil {
		s.stderr.Linef("the file says %d seats, and %s elects one option; name a method for several with --method", file.Seats, method.Name)
	}
	settings, err := c.settings(d, method, file.Profile)
	if err != nil {
		return err
	}
	if err := d.strict(method, file.Profile); err != nil {
		return err
	}
	file.rules = rulesSaid(settings, method, file.Profile)
	result := method.FromProfile(file.Tally(), settings)
	return c.show(s, c.count(d, file, method, settings, &result), file)
}

const otherMethod = "which this method does not count; name another one with --method"

// read reads the definition, nil if there is none, and the file.
func (c *tallyCommand) read(s *session) (*tallyDefinition, *ballotsFile, error) {
	d, err := c.definition()
	if err != nil {
		return nil, nil, err
	}
	method, told, err := c.method(d)
	if err != nil {
		return nil, nil, err
	}
	asked, err := c.asked(d, method, told)
	if err != nil {
		return nil, nil, err
	}
	file, err := openInput(c.File)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	in := bufio.NewReader(file)
	if beginning, _ := in.Peek(backup.BeginningBytes); c.From == "" && backup.Begins(beginning) {
		return c.readBackup(s, in, sizeOf(file))
	}
	if c.Poll != "" {
		return nil, nil, usage.Errorf("--poll names a poll of a backup, and %s is none; leave it out", inputName(c.File))
	}
	ballots, err := readBallots(s, in, sizeOf(file), c.File, asked)
	if err != nil {
		return nil, nil, ballotsProblem(c.File, err, "counted", otherMethod)
	}
	return d, ballots, nil
}

// seats is what --seats says; 0 if it is not given.
func (c *tallyCommand) seats() int {
	if c.Seats == nil {
		return 0
	}
	return *c.Seats
}

// method finds the method that is asked for; told is false if none is.
func (c *tallyCommand) method(d *tallyDefinition) (m tally.Method, told bool, err error) {
	name := c.Method
	if name == "" && d != nil {
		if name = string(d.Method); name == "" {
			name = "plurality" // as for a poll
		}
	}
	if name == "" {
		return m, false, nil
	}
	m, ok := tally.ByName(name)
	if !ok {
		return m, false, usage.Errorf("the method %q is not known here; choose one of %s", name, methodNames())
	}
	return m, true, nil
}

// naturalMethod is the method that a file says, else the usual one for its ballots.
func naturalMethod(p *profile.Profile, seats int) tally.Method {
	name := p.Method
	if m, known := tally.ByName(name); known && m.Form == p.Form {
		return m
	}
	switch p.Form {
	case tally.Choice:
		name = "plurality"
		for i := range p.Groups {
			if p.MaxChoices != 1 && len(p.Groups[i].Choice) > 1 {
				name = "approval"
			}
		}
	case tally.Scores:
		name = "score"
	case tally.Ranking:
		name = "irv"
		if _, known := tally.ByName("stv"); known && seats > 1 {
			name = "stv"
		}
	}
	m, _ := tally.ByName(name)
	return m
}

// counted is what the command prints: the fields of a poll's results, and those of the
// file.
type counted struct {
	Poll      string       `json:"poll"`
	Title     string       `json:"title,omitempty"`
	Method    string       `json:"method"`
	State     client.State `json:"state"`
	Ballots   int64        `json:"ballots"`
	Seats     int          `json:"seats"`
	Certified bool         `json:"certified"`
	File      *ballotsFile `json:"file"`
	resultjson.Outcome
}

func (c *tallyCommand) count(d *tallyDefinition, file *ballotsFile, m tally.Method, s tally.Settings, r *tally.Result) *counted {
	ids := make([]string, len(file.Options))
	for i, o := range file.Options {
		ids[i] = o.ID
	}
	out := &counted{
		Poll: file.pollName(), Title: file.Title, Method: m.Name, State: file.state, Ballots: r.Ballots,
		Seats: max(s.Seats, 1), File: file, Outcome: resultjson.Of(r, m.Form, ids),
	}
	if d != nil && d.ID != "" {
		out.Poll = d.ID
	}
	if d != nil && d.Title != "" {
		out.Title = d.Title
	}
	return out
}

// show prints the count.
func (c *tallyCommand) show(s *session, out *counted, file *ballotsFile) error {
	if c.JSON {
		text, err := json.Marshal(out)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout.JSON(), "%s\n", text)
		return err
	}
	if c.Report || c.Format != "" {
		count := &resultfile.Count{Title: out.Title, Ballots: out.Ballots, Seats: out.Seats, Final: true, Options: file.Options, Outcome: out.Outcome}
		if count.Title == "" {
			count.Title = out.Poll
		}
		count.Facts = c.facts(out)
		return writeResults(s.stdout.Data(), count, c.Format)
	}
	r, err := shownResults(out)
	if err != nil {
		return err
	}
	titles := display.Titles{}
	for _, o := range file.Options {
		titles[o.ID] = o.Title
	}
	s.stdout.Counted(r, out.Title, titles, "counted from "+file.String())
	for _, sentence := range oddSentences(file.Profile) {
		s.stdout.Para(display.Dim, sentence)
	}
	return nil
}

// shownResults are the results as the client has them.
func shownResults(out any) (r client.Results, err error) {
	text, err := json.Marshal(out)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

// facts are the heading of the report. The name of the file is not among them: it may be
// another one on another machine.
func (c *tallyCommand) facts(out *counted) []resultfile.Fact {
	facts := []resultfile.Fact{
		{Name: "method", Value: out.Method},
		{Name: "ballots from", Value: kindSaid(out.File.Kind)},
		{Name: "sha-256", Value: out.File.SHA256},
		{Name: "bytes", Value: strconv.FormatInt(out.File.Bytes, 10)},
	}
	for _, rule := range out.File.rules {
		facts = append(facts, resultfile.Fact{Name: "rule", Value: rule})
	}
	return facts
}

// kindSaid is the kind of a file for people.
func kindSaid(k profilefile.Kind) string {
	if k == backupKind {
		return "a backup"
	}
	return k.String()
}

// oddSentences say what is odd about ballots, so that no one is surprised by the count.
func oddSentences(p *profile.Profile) (said []string) {
	odd := p.Oddities()
	say := func(n int64, what string) {
		if n > 0 {
			said = append(said, display.Plural(n, "ballot")+" "+what+".")
		}
	}
	if p.Form == tally.Ranking {
		say(odd.Skipped, "with a skipped rank")
		say(odd.Shared, "with options that share a rank")
		say(odd.Twice, "with an option at two ranks")
	}
	return said
}

// asked is how to read the file.
func (c *tallyCommand) asked(d *tallyDefinition, m tally.Method, told bool) (a profilefile.Asked, err error) {
	a = profilefile.Asked{Kind: profilefile.Kind(c.From), Contest: c.Contest, Form: m.Form, FormTold: told}
	if d != nil {
		for _, o := range d.Definition.Options {
			a.Options = append(a.Options, profile.Option{ID: o.ID, Title: titleOf(o)})
		}
	}
	return a, readAs(&a, c.Encoding, c.Separator)
}

func titleOf(o client.PollOption) string {
	if o.Title == "" {
		return o.ID
	}
	return o.Title
}

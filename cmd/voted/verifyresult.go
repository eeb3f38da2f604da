package main

import (
	"bufio"
	"os"
	"strings"

	"voted/cmd/voted/verify"
	"voted/internal/recount"
	"voted/internal/rollfile"
	"voted/internal/textfile"
	"voted/internal/usage"
)

// toldFlags are what somebody says the result is.
type toldFlags struct {
	Result string `help:"Result in JSON, as voted results --json prints it: say whether the ballots come to it." placeholder:"FILE"`
	Lot    string `help:"Order of the options that was drawn after the close, where a lot decides: bo,ann." placeholder:"ID,…"`
}

func (f toldFlags) told(flags verdictFlags) (t verify.Told, err error) {
	if f.Lot != "" {
		t.Lot = strings.Split(f.Lot, ",")
	}
	if f.Result != "" {
		t.Result, err = flags.read(f.Result)
	}
	return t, err
}

type verifyResult struct {
	verdictFlags
	toldFlags
	Dir    string `arg:"" help:"Directory of a closed poll, as voted mirror makes it: closing, definition and profile."`
	Policy string `help:"Policy of the poll, published by whoever holds it." required:"" placeholder:"FILE"`
}

func (verifyResult) Help() string {
	return `Counts a closed poll again, from what is published of it: that a quorum signed with which numbers and choices the poll
closed, that the rules are those it began with, and who is elected by them. Needs no network, and no list of ballots.

    voted verify result board-2026.log --policy board-2026.policy
    voted results board-2026 --json > result.json
    voted verify result board-2026.log --policy board-2026.policy --result result.json

Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run counts the poll.
func (c *verifyResult) Run(s *session) error {
	p, err := c.policy(c.Policy)
	if err != nil {
		return err
	}
	told, err := c.told(c.verdictFlags)
	if err != nil {
		return err
	}
	if err := isDirectory(c.Dir); err != nil {
		return err
	}
	return c.show(s, verify.Result(os.DirFS(c.Dir), p, told, c.words()))
}

type verifyExport struct {
	verdictFlags
	toldFlags
	File       string `arg:"" help:"Audit file, as voted export --audit writes it, or - for the standard input."`
	Checkpoint string `help:"Head of the poll's log, of the same time or later." required:"" placeholder:"FILE"`
	Policy     string `help:"Policy of the poll, published by whoever holds it." required:"" placeholder:"FILE"`
	LogDir     string `help:"Published log: name the first ballot that is another one in it." placeholder:"DIR"`
	Roll       string `help:"The roll as its owner has it, CSV or NDJSON: compare it." placeholder:"FILE"`
}

func (verifyExport) Help() string {
	return `For auditors: reads what opens the ballots of a poll, makes its log again from it, and says whether that is what was
signed, whether every voter counts once and as often as the roll says, and what the ballots come to.

    voted export board-2026 --audit -o board-2026.audit
    voted verify export board-2026.audit --checkpoint board-2026.log/checkpoint --policy board-2026.policy
    voted verify export board-2026.audit --checkpoint board-2026.log/checkpoint --policy board-2026.policy --roll roll.csv

An audit file says how people chose, and in an open poll who they are. Takes about 150 bytes of memory a voter.
Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run checks the file.
func (c *verifyExport) Run(s *session) error {
	p, err := c.policy(c.Policy)
	if err != nil {
		return err
	}
	held := verify.Held{}
	if held.Checkpoint, err = c.read(c.Checkpoint); err != nil {
		return err
	}
	if held.Log, err = c.log(c.LogDir); err != nil {
		return err
	}
	if held.Roll, err = ownRoll(c.Roll); err != nil {
		return err
	}
	if held.Told, err = c.told(c.verdictFlags); err != nil {
		return err
	}
	in, err := openInput(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	return c.show(s, verify.Export(bufio.NewReaderSize(in, 1<<16), p, held, c.words()))
}

// ownRoll reads a roll, nil for none. A line that is not one of a roll decides nothing.
func ownRoll(name string) (roll []recount.Own, err error) {
	if name == "" {
		return nil, nil
	}
	in, err := openRoll(name, &rollFlags{})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var broken error
	var fault *textfile.Fault
	bad := func(f *textfile.Fault) {
		if fault == nil {
			fault = f
		}
	}
	in.entries(bad, &broken)(func(e rollfile.Entry) bool {
		roll = append(roll, recount.Own{Voter: e.Voter, Weight: e.Weight})
		return true
	})
	switch {
	case broken != nil:
		return nil, fileProblem(name, broken)
	case fault != nil:
		return nil, usage.Errorf("%s, %w", name, fault)
	case roll == nil:
		return nil, usage.Errorf("%s has no voters", name)
	}
	return roll, nil
}

// isDirectory says what is wrong with the name of a directory.
func isDirectory(dir string) error {
	switch info, err := os.Stat(dir); {
	case err != nil:
		return usage.Errorf("there is no directory %s", dir)
	case !info.IsDir():
		return usage.Errorf("%s is no directory", dir)
	}
	return nil
}

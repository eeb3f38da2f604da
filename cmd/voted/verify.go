package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"voted/cmd/voted/display"
	"voted/cmd/voted/verify"
	"voted/internal/usage"
	"voted/proof"
)

// verifyCommands check files without a cluster. They exit with 0 where what the file says
// is so, with 1 where it is not, and with 2 where the files that were given cannot decide.
type verifyCommands struct {
	Receipt verifyReceipt `cmd:"" help:"Check by its receipt that a ballot is counted."`
	Growth  verifyGrowth  `cmd:"" help:"Check that a later head of a poll continues an earlier one."`
	Log     verifyLog     `cmd:"" help:"Check a published log: every record, every voter once."`
	Result  verifyResult  `cmd:"" help:"Count a closed poll again from what is published of it."`
	Export  verifyExport  `cmd:"" help:"For auditors: check that every ballot opens, once, and what they come to."`
	Policy  verifyPolicy  `cmd:"" help:"Check that a policy follows an older one, whose keys signed it."`
	Fraud   verifyFraud   `cmd:"" help:"Check whether two signed documents cannot both be honest, and whose doing it is."`
	Backup  verifyBackup  `cmd:"" help:"Count a backup again."`
}

// verdictFlags are what the checks of receipts, heads and logs have in common.
type verdictFlags struct {
	AllowNoQuorum bool     `help:"Take a policy that asks nobody to sign: then one key's word is enough."`
	Next          []string `help:"Policy that followed --policy, signed under it; may be repeated, in their order. Heads are then good under each of them." placeholder:"FILE" sep:"none"`
	JSON          bool     `help:"Print JSON instead of sentences." name:"json"`
	UTC           bool     `help:"Show times in UTC, not in local time." name:"utc"`
}

// maxProvenBytes is the longest receipt, head or policy that is read.
const maxProvenBytes = 1 << 20

// read reads a receipt, head or policy; - is the standard input.
func (verdictFlags) read(name string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fileProblem(name, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxProvenBytes+1))
	switch {
	case err != nil:
		return nil, fileProblem(name, err)
	case len(b) > maxProvenBytes:
		return nil, usage.Errorf("the file %s is longer than 1 MiB: it is no receipt, head or policy", name)
	}
	return b, nil
}

// policy reads a policy. One that cannot be read decides nothing.
func (f verdictFlags) policy(name string) (*proof.Policy, error) {
	b, err := f.read(name)
	if err != nil {
		return nil, err
	}
	p, err := proof.ParsePolicy(b)
	if err != nil {
		return nil, usage.Errorf("the policy %s cannot be used: %w", name, err)
	}
	p.AllowNoQuorum = f.AllowNoQuorum
	for before, next := name, f.Next; len(next) > 0; before, next = next[0], next[1:] {
		if p, err = f.follow(p, before, next[0]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// follow reads a policy that must be signed under the one before. The older one's heads stay
// good.
func (f verdictFlags) follow(old *proof.Policy, before, name string) (*proof.Policy, error) {
	b, err := f.read(name)
	if err != nil {
		return nil, err
	}
	p, err := old.Next(b)
	if err != nil {
		return nil, usage.Errorf("the policy %s does not follow %s: %w", name, before, err)
	}
	p.Before = old
	return p, nil
}

// log opens a published log; "" is none.
func (verdictFlags) log(dir string) (*verify.Log, error) {
	if dir == "" {
		return nil, nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Errorf("there is no directory %s", dir)
	}
	l, err := verify.OpenLog(os.DirFS(dir))
	if err != nil {
		return nil, usage.Errorf("the directory %s has no log that can be read: %w", dir, err)
	}
	return l, nil
}

func (f verdictFlags) words() verify.Words {
	if f.UTC {
		return verify.Words{Zone: time.UTC}
	}
	return verify.Words{Zone: time.Local}
}

// show writes a verdict, and returns what the command ends with.
func (f verdictFlags) show(s *session, v *verify.Verdict) error {
	if f.JSON {
		if err := printJSON(s, v); err != nil {
			return err
		}
	} else {
		style := display.Good
		if v.Outcome != verify.Right {
			style = display.Bad
		}
		for i, sentence := range v.Sentences {
			if i > 0 {
				style = display.Plain
			}
			s.stdout.Linef("%s", s.stdout.Paint(style, display.Safe(sentence)))
		}
	}
	switch v.Outcome {
	case verify.Right:
		return nil
	case verify.Wrong:
		return errSaid
	}
	return usage.Mark(errSaid)
}

type verifyReceipt struct {
	verdictFlags
	File   string `arg:"" help:"Receipt to read, or - for the standard input."`
	Policy string `help:"Policy of the poll, published by whoever holds it." required:"" placeholder:"FILE"`
	Voter  string `help:"Whose receipt it must be." placeholder:"ID"`
	Choice string `help:"What the ballot must have chosen: ann, bo>ann or ann=5;bo=0; with --log-dir, of receipts that show it." placeholder:"BALLOT"`
	LogDir string `help:"Published log: look whether the ballot was replaced later." placeholder:"DIR"`

	Now       string `help:"Published log that was begun after a restore: look whether the ballot is still there." placeholder:"DIR"`
	NowPolicy string `help:"Policy of that log." placeholder:"FILE"`
}

func (verifyReceipt) Help() string {
	return `Says whether the ballot of the receipt is counted, under its voter's name, and who signed that. Needs no network.
Take the policy from where the poll was announced, not from the nodes that are checked.

    voted verify receipt board-2026.v-17.tlog-proof --policy board-2026.policy
    voted verify receipt board-2026.v-17.tlog-proof --policy board-2026.policy --voter v-17 --log-dir board-2026.log
    voted verify receipt board-2026.v-17.tlog-proof --policy board-2026.policy --next board-2026.new.policy
    voted verify receipt board-2026.v-17.tlog-proof --policy board-2026.policy --now restored.log --now-policy restored.policy

Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run checks the receipt.
func (c *verifyReceipt) Run(s *session) error {
	if (c.Now == "") != (c.NowPolicy == "") {
		return usage.Errorf("--now and --now-policy belong together: the log that was begun after the restore has a policy of its own")
	}
	p, err := c.policy(c.Policy)
	if err != nil {
		return err
	}
	file, err := c.read(c.File)
	if err != nil {
		return err
	}
	log, err := c.log(c.LogDir)
	if err != nil {
		return err
	}
	v := verify.Receipt(file, p, c.Voter, log, c.words())
	if c.Choice != "" {
		v = verify.Choice(file, p, c.Voter, c.Choice, log, c.words())
	}
	if v.Outcome == verify.Right && c.Now != "" {
		return c.now(s, file, p)
	}
	return c.show(s, v)
}

// now looks for the ballot in the log that was begun after a restore.
func (c *verifyReceipt) now(s *session, file []byte, p *proof.Policy) error {
	policy, err := verdictFlags{AllowNoQuorum: c.AllowNoQuorum}.policy(c.NowPolicy)
	if err != nil {
		return err
	}
	log, err := c.log(c.Now)
	if err != nil {
		return err
	}
	return c.show(s, verify.Restored(file, p, log, policy, c.words()))
}

type verifyGrowth struct {
	verdictFlags
	Old    string `arg:"" help:"Earlier head: the file checkpoint of a log, as it was then."`
	New    string `arg:"" help:"Later head."`
	Policy string `help:"Policy of the poll; without it nobody's signature is looked at." placeholder:"FILE"`
	LogDir string `help:"Published log that has all records up to the later head." placeholder:"DIR"`

	nodeFlags
}

func (verifyGrowth) Help() string {
	return `Says whether all records of the earlier head are in the later one, unchanged and in their places. Where the heads have
two sizes that takes the log between them: in a directory, or from a node, about 60 bytes a ballot.

    voted verify growth head-0900 head-1700 --policy board-2026.policy --log-dir board-2026.log

Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run compares the heads.
func (c *verifyGrowth) Run(s *session) error {
	var p *proof.Policy
	var err error
	if c.Policy != "" {
		if p, err = c.policy(c.Policy); err != nil {
			return err
		}
	}
	older, newer, err := c.both(c.Old, c.New)
	if err != nil {
		return err
	}
	log, err := c.log(c.LogDir)
	if c.Node != "" {
		if c.LogDir != "" {
			return usage.Errorf("give the log by --log-dir or by --node, not by both")
		}
		var end func()
		if log, end, err = c.logFrom(s.ctx, newer); err == nil {
			defer end()
		}
	}
	if err != nil {
		return err
	}
	return c.show(s, verify.Growth(older, newer, p, log, c.words()))
}

// both reads two documents.
func (f verdictFlags) both(first, second string) (a, b []byte, err error) {
	if first == "-" && second == "-" {
		return nil, nil, usage.Errorf("only one of the two files can be the standard input")
	}
	if a, err = f.read(first); err != nil {
		return nil, nil, err
	}
	b, err = f.read(second)
	return a, b, err
}

type verifyLog struct {
	verdictFlags
	Dir    string `arg:"" help:"Directory with a published log: checkpoint, and tile/…"`
	Policy string `help:"Policy of the poll." required:"" placeholder:"FILE"`
}

func (verifyLog) Help() string {
	return `Reads all of a published log: that a quorum signed exactly these records, that each voter has one that counts, that
each replacement names what it replaces, and that the closing fits. Takes about 60 bytes of memory a voter.

    voted verify log board-2026.log --policy board-2026.policy

Exit code 0 where it is so, 1 where it is not, 2 where these files cannot decide it.`
}

// Run checks the log.
func (c *verifyLog) Run(s *session) error {
	p, err := c.policy(c.Policy)
	if err != nil {
		return err
	}
	log, err := c.log(c.Dir)
	if err != nil {
		return err
	}
	return c.show(s, verify.CheckLog(log, p, c.words()))
}

type verifyFraud struct {
	verdictFlags
	First  string `arg:"" help:"A receipt, a head, or a promise."`
	Second string `arg:"" help:"Another one."`
	Policy string `help:"Policy of the poll: whose keys these are." required:"" placeholder:"FILE"`
	LogDir string `help:"Published log of the larger of two heads of different sizes, or of a head that a promise is compared with." placeholder:"DIR"`
}

func (verifyFraud) Help() string {
	return `Says whether two signed documents exclude each other, and who signed both: that is proof against them, for anybody who
has the policy. How many signed does not matter here; each is held to their own word.

    voted verify fraud receipt-of-monday receipt-of-friday --policy board-2026.policy
    voted verify fraud head-0900 head-1700 --policy board-2026.policy --log-dir board-2026.log
    voted verify fraud board-2026.v-17.promise board-2026.v-17.tlog-proof --policy board-2026.policy

A promise is what a node gives with a ballot that asks for it: its word that the ballot has its place in the log. With
the receipt of that ballot, or a head and its log, this says whether it was kept.

Exit code 0 where it is proof, 1 where both can be honest, 2 where these files cannot decide it.`
}

// Run compares the documents.
func (c *verifyFraud) Run(s *session) error {
	p, err := c.policy(c.Policy)
	if err != nil {
		return err
	}
	a, b, err := c.both(c.First, c.Second)
	if err != nil {
		return err
	}
	log, err := c.log(c.LogDir)
	if err != nil {
		return err
	}
	return c.show(s, verify.Fraud(a, b, p, log))
}

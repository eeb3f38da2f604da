package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"voted/client"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/tally"
	"voted/internal/usage"
)

// anonymousFlags are for files of ballots without voters.
type anonymousFlags struct {
	Anonymous bool   `help:"The file names no voters: each ballot gets a voter id made of the file's bytes and the ballot's number."`
	Batch     string `help:"Tells files with the very same bytes apart, such as those of two boxes; it becomes part of the voter ids." placeholder:"NAME"`
	From      string `help:"What a file without voters is: ${fileKinds}; found out by itself." placeholder:"KIND"`
	Contest   string `help:"Id or name of the contest, where cast vote records have several." placeholder:"NAME"`
}

// check refuses flags that would be ignored.
func (f *anonymousFlags) check(r *readingFlags) error {
	switch {
	case !f.Anonymous && (f.Batch != "" || f.From != "" || f.Contest != ""):
		return usage.Errorf("--batch, --from and --contest are for files without voters; add --anonymous, or leave them out")
	case f.Anonymous && r.VoterColumn != "":
		return usage.Errorf("--voter-column names voters, and --anonymous makes them; leave one of them out")
	case f.Anonymous && f.From != "" && r.Format != "auto":
		return usage.Errorf("--from and --format both say what the file is; leave --format out")
	}
	return nil
}

// namesNoVoters says how to import a kind of file that has ballots only.
func namesNoVoters(name string, kind profilefile.Kind) error {
	return usage.Errorf("%s is %s, which names no voters; add --anonymous to import its ballots as those of voters made for them", inputName(name), kind)
}

// refuseKindsWithoutVoters refuses a file, by its beginning, that cannot name voters. What
// cannot be told is left to whoever reads the file.
func refuseKindsWithoutVoters(name string) error {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil // the standard input and pipes can be read only once
	}
	file, err := os.Open(name)
	if err != nil {
		return fileProblem(name, err)
	}
	defer file.Close()
	sample, err := io.ReadAll(io.LimitReader(file, profilefile.SampleBytes))
	if err != nil {
		return nil // whoever reads the file says it
	}
	kind, err := profilefile.FindIn(sample, nil)
	if err == nil && slices.Contains([]profilefile.Kind{profilefile.BLT, profilefile.PrefLib, profilefile.ABIF, profilefile.CVR}, kind) {
		return namesNoVoters(name, kind)
	}
	return nil
}

// infoOf describes an open file; nil if that cannot be told.
func infoOf(file io.ReadCloser, name string) os.FileInfo {
	f, ok := file.(*os.File)
	if name == "-" {
		f, ok = os.Stdin, true
	}
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	return info
}

// anonymousInput is a file of ballots without voters, as ballots to cast. They are in an
// order that their content alone decides, and the n-th is always cast under the same voter
// id: so a ballot is counted once however often the file is imported.
type anonymousInput struct {
	file   *ballotsFile
	prefix string // of the voter ids
	notes  []string

	group  int   // whose ballots are next
	left   int64 // of them
	number int64 // of the last ballot, from 1
	ballot client.Ballot
}

// openAnonymous reads a whole file for a poll.
func openAnonymous(s *session, in io.Reader, c *importCommand, p *client.Poll) (*anonymousInput, error) {
	method, known := tally.ByName(string(p.Method))
	switch {
	case !known:
		return nil, usage.Errorf("the poll's method %q is not known to this program; take one of its cluster's version", p.Method)
	case p.Eligibility == client.OnRoll:
		return nil, usage.Errorf("the poll %s counts only voters on its roll, and voters that are made for ballots are on none; import into a poll without a roll", c.Poll)
	}
	asked := profilefile.Asked{Kind: profilefile.Kind(c.From), Contest: c.Contest, Form: method.Form, FormTold: true}
	if asked.Kind == "" && c.Format != "auto" {
		asked.Kind = profilefile.Kind(c.Format)
	}
	for _, o := range p.Options {
		asked.Options = append(asked.Options, profile.Option{ID: o.ID, Title: titleOf(o)})
	}
	if err := readAs(&asked, c.Encoding, c.Separator); err != nil {
		return nil, err
	}
	file, err := readBallots(s, in, sizeOf(in), c.File, asked)
	if err != nil {
		return nil, ballotsProblem(c.File, err, "imported", "which the poll does not count")
	}
	a := &anonymousInput{file: file, prefix: voterPrefix(c.Batch, file.SHA256)}
	if err := a.fits(p); err != nil {
		return nil, err
	}
	file.Sort(false)
	return a, nil
}

// fits refuses a file none of which should be imported, and notes what else the poll should
// say.
func (a *anonymousInput) fits(p *client.Poll) error {
	odd := a.file.Oddities()
	switch {
	case a.file.Voters > 0:
		return usage.Errorf("%s names the voters of %s; leave --anonymous out, so that no one is counted twice", inputName(a.file.Name), plural(a.file.Voters, "ballot"))
	case p.Marking != client.AsMarked && odd.Skipped+odd.Twice > 0:
		return usage.Errorf(`%s has ballots (%d) that skip a rank or have an option at two ranks, which this poll refuses; correct them, or import into a poll with "ballots": "as_marked"; nothing was imported`,
			inputName(a.file.Name), odd.Skipped+odd.Twice)
	}
	if _, told := p.Rules["withdrawn"]; len(a.file.Withdrawn) > 0 && !told {
		a.notes = append(a.notes, `the file says that options were withdrawn; the poll counts by its own rules, in which none is`)
	}
	return nil
}

// voterPrefix is what the voter ids of a file's ballots begin with. Other bytes, or another
// batch, are other voters.
func voterPrefix(batch, fileSum string) string {
	sum := sha256.Sum256([]byte(fileSum + "\x00" + batch))
	return "anonymous-" + hex.EncodeToString(sum[:16]) + "-"
}

// next implements ballotSource.
func (a *anonymousInput) next() (fileBallot, error) {
	for a.left == 0 {
		if a.group == len(a.file.Groups) {
			return fileBallot{}, io.EOF
		}
		g := &a.file.Groups[a.group]
		a.group++
		a.left, a.ballot = g.Weight, ballotAsFiled(a.file.Profile, &g.Preference)
	}
	a.left--
	a.number++
	return fileBallot{
		BulkBallot: client.BulkBallot{Voter: a.prefix + strconv.FormatInt(a.number, 10), Ballot: a.ballot},
		Line:       int(a.number), Offset: a.number,
	}, nil
}

// ballotAsFiled makes a ballot to cast.
func ballotAsFiled(p *profile.Profile, marks *tally.Preference) client.Ballot {
	ids := func(options []int) []string {
		out := make([]string, len(options))
		for i, option := range options {
			out[i] = p.Options[option].ID
		}
		return out
	}
	switch p.Form {
	case tally.Ranking:
		tiers := make([][]string, len(marks.Ranking))
		for i, rank := range marks.Ranking {
			tiers[i] = ids(rank)
		}
		return client.RankTiers(tiers...)
	case tally.Scores:
		points := map[string]int{}
		for _, s := range marks.Scores {
			points[p.Options[s.Option].ID] = s.Score
		}
		return client.Score(points)
	case tally.Choice:
	}
	return client.Choose(ids(marks.Choice)...)
}

// size implements ballotSource.
func (a *anonymousInput) size() int64 { return a.file.Ballots() }

// keyed implements ballotSource.
func (a *anonymousInput) keyed() bool { return false }

// reading implements ballotSource.
func (a *anonymousInput) reading() reading {
	return reading{Format: string(a.file.Kind), Encoding: a.file.Encoding, Ignored: a.file.Ignored, SHA256: a.file.SHA256, Voters: a.prefix + "1"}
}

// warnings implements ballotSource.
func (a *anonymousInput) warnings() []string { return a.notes }

// beside warns that a poll had ballots before, none of which is of this file: after a
// correction, those of the uncorrected file are among them.
func beside(before *uint64, sum *importSummary) []string {
	if before == nil || *before == 0 || sum.Outcomes[client.Counted] == 0 || sum.Outcomes[client.Replayed] > 0 {
		return nil
	}
	return []string{fmt.Sprintf("the poll had %s before, none of this file; where it corrects a file that was imported, the ballots of both are now in the poll", plural(int(*before), "ballot"))}
}

package verify

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"voted/cmd/voted/display"
	"voted/internal/recount"
	"voted/internal/resultjson"
	"voted/proof"
)

// The files of a closed poll that its result follows from, beside those of its log.
const (
	definitionFile = "definition" // what entry 0 of a log has the hash of
	profileFile    = "profile"    // how many ballots hold each choice
	closingFile    = "closing"    // the proof that the log has ended
)

// Told is what somebody says the result is.
type Told struct {
	Result []byte   // as JSON; nil: nothing was said
	Lot    []string // the order that was drawn after the close, by ids; nil: none
}

// Result counts a closed poll again from the files of its log: that a quorum signed the closing,
// that definition and profile are those of the log, and what they come to.
func Result(files fs.FS, p *proof.Policy, told Told, w Words) *Verdict {
	closing, h, v := ended(files, p)
	if v != nil {
		return v
	}
	c, v := recounted(files, closing, told.Lot)
	if v != nil {
		return v
	}
	v = &Verdict{Outcome: Right, Records: uint64(closing.Closing.Records), Voters: c.Voters, Closed: true}
	v.head(h)
	if err := v.counted(c, told); err != nil {
		return because(err)
	}
	v.Sentences = append([]string{
		fmt.Sprintf("The result of %s follows from what its %s chose. %s. %s.", v.Poll, plural(c.Voters, "voter"), elected(&c.Outcome), w.signers(p, h)),
		"The poll began with these rules, and closed with these choices.",
	}, v.Sentences...)
	return v
}

// counted takes in what was counted, with a sentence about what was told.
func (v *Verdict) counted(c *recount.Counted, told Told) (err error) {
	if v.Result, err = c.JSON(); err != nil || told.Result == nil {
		return err
	}
	v.Sentences = append(v.Sentences, "The result in the file is the same.")
	return c.Compare(told.Result)
}

// ended reads the closing, and checks it.
func ended(files fs.FS, p *proof.Policy) (*proof.ClosingProof, proof.Head, *Verdict) {
	b, err := readFile(files, closingFile)
	if err != nil {
		return nil, proof.Head{}, because(err)
	}
	closing, err := proof.ParseClosingProof(b)
	if err != nil {
		return nil, proof.Head{}, because(fmt.Errorf("the file %s: %w", closingFile, err))
	}
	h, err := closing.Check(p)
	if err != nil {
		return nil, proof.Head{}, because(err)
	}
	return closing, h, nil
}

// recounted counts the profile of a closing that was checked.
func recounted(files fs.FS, closing *proof.ClosingProof, lot []string) (*recount.Counted, *Verdict) {
	definition, err := readFile(files, definitionFile)
	if err != nil {
		return nil, because(err)
	}
	rules, err := recount.Definition(definition, closing.First)
	if err == nil {
		err = recount.Ended(rules, closing)
	}
	if err != nil {
		return nil, because(err)
	}
	f, err := files.Open(profileFile)
	if err != nil {
		return nil, because(fmt.Errorf("%w: there is no file %s in the directory", proof.ErrMissing, profileFile))
	}
	defer f.Close()
	lines, err := recount.ReadProfile(f, rules)
	if err != nil {
		return nil, because(fmt.Errorf("the file %s, %w", profileFile, err))
	}
	if err := recount.CheckProfile(lines, &closing.Closing); err != nil {
		return nil, because(err)
	}
	c, err := recount.Count(rules, lines, lot)
	if err != nil {
		return nil, because(err)
	}
	return c, nil
}

// elected says who won, and what they received where that is one number.
func elected(o *resultjson.Outcome) string {
	winners := o.Winners
	if len(o.Elected) > 0 {
		winners = o.Elected
	}
	said := "No option is elected"
	switch {
	case len(winners) == 1:
		said = winners[0] + " is elected"
	case len(winners) > 1:
		said = and(winners) + " are elected"
	}
	if u := o.Unresolved; u != nil {
		said += fmt.Sprintf("; %s are tied for %s", and(u.Options), plural(uint64(u.Seats), "seat"))
	}
	if votes := received(o); votes != "" {
		said += ": " + votes
	}
	return said
}

// maxSaid is how many options a sentence names with what they received.
const maxSaid = 12

// received lists what the options received, most first: scores, else votes. In a method with
// rounds the votes of the first round decide nothing, so nothing is listed.
func received(o *resultjson.Outcome) string {
	type said struct {
		id     string
		number int64
	}
	var all []said
	for _, x := range o.Options {
		n, err := strconv.ParseInt(string(cmp.Or(x.Score, x.Votes)), 10, 64)
		if err != nil || len(o.Rounds) > 0 {
			return ""
		}
		all = append(all, said{x.ID, n})
	}
	slices.SortStableFunc(all, func(a, b said) int { return cmp.Compare(b.number, a.number) })
	var parts []string
	for _, s := range all[:min(len(all), maxSaid)] {
		parts = append(parts, s.id+" "+display.Int(s.number))
	}
	if more := len(all) - maxSaid; more > 0 {
		parts = append(parts, fmt.Sprintf("and %s with less", plural(uint64(more), "option")))
	}
	return strings.Join(parts, ", ")
}

package abif

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"voted/internal/profile"
	"voted/internal/tally"
)

// kinds are the ballot types of the forms.
var kinds = map[tally.Form]string{tally.Choice: "choose_many", tally.Ranking: "ranked", tally.Scores: "rated"}

// Write writes p, the most frequent ballot first. p is sorted.
func Write(w io.Writer, p *profile.Profile) error {
	if odd := p.Oddities(); odd.Skipped > 0 {
		return &profile.UnwritableError{Detail: fmt.Sprintf("ABIF cannot say that a rank was skipped, as %d ballots do; use BLT or NDJSON", odd.Skipped)}
	}
	p.Sort(true)
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "{title: \"%s\"}\n", strings.ReplaceAll(profile.OneLine(p.Title), `"`, "'"))
	fmt.Fprintf(out, "{ballot_type: \"%s\"}\n", kinds[p.Form])
	if p.Form == tally.Scores && p.MaxScore > 0 {
		fmt.Fprintf(out, "{max_rating: %d}\n", p.MaxScore)
	}
	fmt.Fprintf(out, "{ballotcount: %d}\n", p.Ballots())
	tokens := make([]string, len(p.Options))
	for i, name := range p.Names() {
		tokens[i] = token(p.Options[i].ID)
		fmt.Fprintf(out, "=%s:[%s]\n", tokens[i], strings.NewReplacer("[", "(", "]", ")").Replace(name))
	}
	var line []byte
	for i := range p.Groups {
		line = append(strconv.AppendInt(line[:0], p.Groups[i].Weight, 10), ':')
		line = append(appendBallot(line, tokens, &p.Groups[i].Preference), '\n')
		_, _ = out.Write(line) // Flush returns the error
	}
	return out.Flush()
}

// token returns an id as it is written: in brackets, if it has signs that words lack.
func token(id string) string {
	if strings.ContainsAny(id, ".~") {
		return "[" + id + "]"
	}
	return id
}

func appendBallot(line []byte, tokens []string, b *tally.Preference) []byte {
	sign := func(i int, sign byte) {
		if i > 0 {
			line = append(line, sign)
		}
	}
	for i, option := range b.Choice {
		sign(i, ',')
		line = append(line, tokens[option]...)
	}
	for i, s := range b.Scores {
		sign(i, ',')
		line = append(append(line, tokens[s.Option]...), '/')
		line = strconv.AppendInt(line, int64(s.Score), 10)
	}
	for i, rank := range b.Ranking {
		sign(i, '>')
		for j, option := range rank {
			sign(j, '=')
			line = append(line, tokens[option]...)
		}
	}
	return line
}

package cvr

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/profile"
	"voted/internal/tally"
)

// maxRecords bounds a report: it has a record for each ballot.
const maxRecords = 100_000_000

// Write writes a record for each ballot, sorted by what is on it, so that the order does
// not show who voted when. p is sorted; its Method and Seats are those of the count.
// generated is the time of the report, as in RFC 3339.
func Write(w io.Writer, p *profile.Profile, generated string) error {
	if n := p.Ballots(); n > maxRecords {
		return &profile.UnwritableError{Detail: fmt.Sprintf("these are %d ballots, and a report with a record for each has at most %d; use a format with counts", n, maxRecords)}
	}
	p.Sort(false)
	out := bufio.NewWriterSize(w, 1<<16)
	b := appendHeading(nil, p, generated)
	number, first := int64(0), true
	for i := range p.Groups {
		marks := appendMarks(nil, p, &p.Groups[i].Preference)
		for range p.Groups[i].Weight {
			if !first {
				b = append(b, ',')
			}
			first = false
			number++
			n := strconv.FormatInt(number, 10)
			b = append(b, "\n"+`{"@type":"CVR.CVR","ElectionId":"election","UniqueId":"`+n+`","CurrentSnapshotId":"`+n+`-1",`+
				`"CVRSnapshot":[{"@id":"`+n+`-1","@type":"CVR.CVRSnapshot","Type":"original","CVRContest":[`...)
			b = append(append(b, marks...), "]}]}"...)
			if _, err := out.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, _ = out.Write(append(b, "\n]}\n"...)) // Flush returns the error
	return out.Flush()
}

// variation is the name that the standard has for the method of the count.
func variation(p *profile.Profile) (name, other string) {
	switch p.Method {
	case "approval", "borda":
		return p.Method, ""
	case "plurality":
		if p.MaxChoices > 1 {
			return "n-of-m", ""
		}
		return p.Method, ""
	case "score":
		return "range", ""
	case "irv", "stv":
		return "rcv", ""
	case "":
		return map[tally.Form]string{tally.Choice: "approval", tally.Ranking: "rcv", tally.Scores: "range"}[p.Form], ""
	}
	return "other", p.Method
}

func appendHeading(b []byte, p *profile.Profile, generated string) []byte {
	quoted := func(text string) string {
		q, _ := jsontext.AppendQuote(nil, profile.OneLine(text))
		return string(q)
	}
	b = append(b, `{"@type":"CVR.CastVoteRecordReport","Version":"1.0.0","GeneratedDate":`+quoted(generated)+`,"ReportGeneratingDeviceIds":["device"],
"ReportingDevice":[{"@id":"device","@type":"CVR.ReportingDevice","Manufacturer":"voted","Application":"voted"}],
"GpUnit":[{"@id":"unit","@type":"CVR.GpUnit","Type":"other","OtherType":"poll"}],
"Election":[{"@id":"election","@type":"CVR.Election","ElectionScopeId":"unit","Name":`+quoted(p.Title)+`,
"Candidate":[`...)
	for i, o := range p.Options {
		b = comma(b, i)
		b = append(b, fmt.Sprintf(`{"@id":"c%d","@type":"CVR.Candidate","Name":%s,"Code":[{"@type":"CVR.Code","Type":"other","OtherType":"%s","Value":%s}]}`,
			i+1, quoted(o.Title), optionCode, quoted(o.ID))...)
	}
	name, other := variation(p)
	b = append(b, fmt.Sprintf(`],
"Contest":[{"@id":"contest","@type":"CVR.CandidateContest","Name":%s,"NumberElected":%d,`, quoted(p.Title), max(p.Seats, 1))...)
	if n := allowed(p); n > 0 {
		b = append(b, fmt.Sprintf(`"VotesAllowed":%d,`, n)...)
	}
	b = append(b, `"VoteVariation":`+quoted(name)+`,`...)
	if other != "" {
		b = append(b, `"OtherVoteVariation":`+quoted(other)+`,`...)
	}
	b = append(b, `"ContestSelection":[`...)
	for i := range p.Options {
		b = comma(b, i)
		b = append(b, fmt.Sprintf(`{"@id":"s%d","@type":"CVR.CandidateSelection","CandidateIds":["c%d"]}`, i+1, i+1)...)
	}
	return append(b, `]}]}],
"CVR":[`...)
}

// allowed is how many votes a ballot has; 0 for scores, which are not votes.
func allowed(p *profile.Profile) int {
	switch p.Form {
	case tally.Choice:
		if p.MaxChoices == 0 {
			return len(p.Options)
		}
		return p.MaxChoices
	case tally.Ranking:
		return 1
	case tally.Scores:
	}
	return 0
}

// appendMarks appends what a ballot has of the contest. Options that share a rank have the
// same rank, and an option at two ranks has two positions.
func appendMarks(b []byte, p *profile.Profile, ballot *tally.Preference) []byte {
	b = append(b, `{"@type":"CVR.CVRContest","ContestId":"contest"`...)
	marked := len(ballot.Choice) + len(ballot.Ranking) + len(ballot.Scores)
	switch most := allowed(p); {
	case marked == 0:
		b = append(b, `,"Undervotes":`+strconv.Itoa(max(most, 1))+`,"Status":["not-indicated"]}`...)
		return b
	case p.Form == tally.Choice && marked > most:
		b = append(b, `,"Overvotes":`+strconv.Itoa(marked)+`,"Status":["overvoted"]`...)
	}
	b = append(b, `,"CVRContestSelection":[`...)
	n := 0
	begin := func(option int) {
		b = comma(b, n)
		n++
		b = append(b, `{"@type":"CVR.CVRContestSelection","ContestSelectionId":"s`+strconv.Itoa(option+1)+`","SelectionPosition":[`...)
	}
	position := func(i, votes, rank int) {
		b = comma(b, i)
		b = append(b, `{"@type":"CVR.SelectionPosition","HasIndication":"yes","NumberVotes":`+strconv.Itoa(votes)...)
		if rank > 0 {
			b = append(b, `,"Rank":`+strconv.Itoa(rank)...)
		}
		b = append(b, '}')
	}
	for _, option := range ballot.Choice {
		begin(option)
		position(0, 1, 0)
		b = append(b, `]}`...)
	}
	for _, s := range ballot.Scores {
		begin(s.Option)
		position(0, s.Score, 0)
		b = append(b, `]}`...)
	}
	order, places := ranksOf(ballot.Ranking)
	for _, option := range order {
		begin(option)
		for i, rank := range places[option] {
			position(i, 1, rank)
		}
		b = append(b, `]}`...)
	}
	return append(b, `]}`...)
}

// ranksOf returns the options of a ranking in order, and the ranks of each, from 1.
func ranksOf(ranking [][]int) (order []int, places map[int][]int) {
	places = map[int][]int{}
	for i, rank := range ranking {
		for _, option := range rank {
			if places[option] == nil {
				order = append(order, option)
			}
			places[option] = append(places[option], i+1)
		}
	}
	return order, places
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

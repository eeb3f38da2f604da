package resultfile

import (
	"encoding/json"
	"io"
	"math/big"
	"slices"
	"strconv"

	"voted/internal/profile"
	"voted/internal/resultjson"
)

// The summary of RCTab, version 1. Votes are texts.
type summary struct {
	Config struct {
		Contest      string `json:"contest"`
		Date         string `json:"date"`
		GeneratedBy  string `json:"generatedBy"`
		Jurisdiction string `json:"jurisdiction"`
		Office       string `json:"office"`
	} `json:"config"`
	Version string         `json:"jsonFormatVersion"`
	Results []summaryRound `json:"results"`
	Summary struct {
		FinalThreshold string `json:"finalThreshold,omitempty"`
		Candidates     int    `json:"numCandidates"`
		Winners        int    `json:"numWinners"`
		Ballots        int64  `json:"totalNumBallots"`
		Undervotes     int64  `json:"undervotes"`
	} `json:"summary"`
}

type summaryRound struct {
	Round     int               `json:"round"`
	Tally     map[string]string `json:"tally"`
	Results   []summaryAction   `json:"tallyResults"`
	Threshold string            `json:"threshold,omitempty"`
	Inactive  map[string]string `json:"inactiveBallots"`
}

type summaryAction struct {
	Eliminated string            `json:"eliminated,omitempty"`
	Elected    string            `json:"elected,omitempty"`
	Transfers  map[string]string `json:"transfers"`
}

// WriteRCTab writes the summary that RCTab writes, and that programs that draw rounds
// read. Its error is an *UnfitError, where the method has no rounds, or the writer's.
func WriteRCTab(w io.Writer, c *Count) error {
	if !slices.ContainsFunc(c.Rounds, func(r resultjson.Round) bool { return len(r.Votes) > 0 }) {
		return &UnfitError{"RCTab's summary is made of rounds of votes, and this method has none; use json, csv or report"}
	}
	names := c.names()
	var s summary
	s.Config.Contest, s.Config.GeneratedBy, s.Version = profile.OneLine(c.Title), "voted", "1"
	s.Summary.Candidates, s.Summary.Winners = len(c.Options), len(c.Winners)
	s.Summary.Ballots, s.Summary.Undervotes = c.Ballots, c.Blank
	for i := range c.Rounds {
		round := &c.Rounds[i]
		out := summaryRound{Round: i + 1, Tally: map[string]string{}, Results: []summaryAction{}, Threshold: threshold(c, round), Inactive: inactive(c, round)}
		for _, p := range round.Votes {
			out.Tally[names[p.ID]] = string(p.Value)
		}
		elected := round.Elected
		if i == len(c.Rounds)-1 && len(elected) == 0 && len(c.Elected) == 0 {
			elected = c.Winners
		}
		for _, id := range elected {
			out.Results = append(out.Results, summaryAction{Elected: names[id], Transfers: c.transfers(i, id, names)})
		}
		for _, id := range round.Eliminated {
			out.Results = append(out.Results, summaryAction{Eliminated: names[id], Transfers: c.transfers(i, id, names)})
		}
		s.Summary.FinalThreshold = out.Threshold
		s.Results = append(s.Results, out)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// threshold is how many votes win in a round: the round's own, else the quota, else more
// than half of the votes.
func threshold(c *Count, round *resultjson.Round) string {
	for _, said := range []resultjson.Number{round.Threshold, round.Quota, c.Quota} {
		if said != "" {
			return string(said)
		}
	}
	sum := new(big.Rat)
	for _, p := range round.Votes {
		sum.Add(sum, rat(p.Value))
	}
	if !sum.IsInt() {
		return ""
	}
	half := new(big.Int).Rsh(sum.Num(), 1)
	return half.Add(half, big.NewInt(1)).String()
}

// inactive are the ballots that no longer count, by their reasons.
func inactive(c *Count, round *resultjson.Round) map[string]string {
	e := round.ExhaustedBy
	if e != nil {
		return map[string]string{
			"exhaustedChoices": strconv.FormatInt(e.Choices, 10), "overvotes": strconv.FormatInt(e.Overvotes, 10),
			"skippedRankings": strconv.FormatInt(e.Skipped, 10), "repeatedRankings": strconv.FormatInt(e.Repeated, 10),
		}
	}
	gone := rat(round.Exhausted)
	gone.Sub(gone, new(big.Rat).SetInt64(c.Blank))
	return map[string]string{"exhaustedChoices": text(gone), "overvotes": "0", "skippedRankings": "0", "repeatedRankings": "0"}
}

// transfers are the votes of an option that moved at the end of a round. Where the method
// does not say, they follow from the next round, if no other option moved then.
func (c *Count) transfers(i int, id string, names map[string]string) map[string]string {
	moved := map[string]string{}
	round := &c.Rounds[i]
	if said, ok := round.Transfers.Of(id); ok {
		for _, p := range said {
			name := names[p.ID]
			if name == "" {
				name = p.ID
			}
			moved[name] = string(p.Value)
		}
		return moved
	}
	if len(round.Transfers) > 0 || i+1 == len(c.Rounds) || len(round.Eliminated)+len(round.SurplusOf) != 1 || !slices.Contains(round.Eliminated, id) {
		return moved
	}
	next := &c.Rounds[i+1]
	for _, p := range next.Votes {
		before, _ := round.Votes.Of(p.ID)
		if more := rat(p.Value); more.Cmp(rat(before)) > 0 {
			moved[names[p.ID]] = text(more.Sub(more, rat(before)))
		}
	}
	if gone := rat(next.Exhausted); gone.Cmp(rat(round.Exhausted)) > 0 {
		moved[resultjson.Exhausted] = text(gone.Sub(gone, rat(round.Exhausted)))
	}
	return moved
}

func rat(n resultjson.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// text writes a number with as many decimals as it needs, up to nine.
func text(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	for places := 1; places < 9; places++ {
		shown := r.FloatString(places)
		if exact, ok := new(big.Rat).SetString(shown); ok && exact.Cmp(r) == 0 {
			return shown
		}
	}
	return r.FloatString(9)
}

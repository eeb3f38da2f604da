package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// Consistency says how fresh results must be.
type Consistency string

// Linearizable results (the default) include every ballot acknowledged before the call.
// Stale ones are the answering node's own, which does not ask the leader.
const (
	Linearizable Consistency = "linearizable"
	Stale        Consistency = "stale"
)

// Votes counts ballots. Methods that transfer surpluses have fractions.
type Votes float64

// UnmarshalJSON accepts a number or a string that holds one.
func (v *Votes) UnmarshalJSON(data []byte) error {
	f, err := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	*v = Votes(f)
	return err
}

// Results is a tally at one log index.
type Results struct {
	Poll   string `json:"poll"`
	Method Method `json:"method"`
	State  State  `json:"state"`
	// Index is the log index that the tally reflects.
	Index uint64 `json:"index"`
	// Ballots counts voters, each once.
	Ballots uint64 `json:"ballots"`
	// Weight is the sum of the ballots' weights if the poll has a roll; all votes are
	// then weighted.
	Weight uint64 `json:"weight,omitempty"`
	// Turnout is nil if the poll has no roll.
	Turnout *Turnout `json:"turnout,omitempty"`
	// Quorum is nil if the poll requires none.
	Quorum *Quorum `json:"quorum,omitempty"`
	// Certified says that the poll is closed and this is its final tally.
	Certified bool `json:"certified"`
	// Digest is of the poll's rules and ballots, once it is certified: every member has the
	// same, and so has a backup that voted verify reads. In hexadecimal.
	Digest  string   `json:"digest,omitempty"`
	Winners []string `json:"winners"`
	// Options are in the order of the definition.
	Options []OptionResult `json:"options"`
	Rounds  []Round        `json:"rounds,omitempty"`
	// Ties are the steps that decided between equal options.
	Ties []Tie `json:"ties,omitempty"`
	// OtherOrdersElect are options that could have won: where the order of the options or
	// the lot decided a tie, another one would have elected them. OtherOrdersLeft: there may
	// be more of them.
	OtherOrdersElect []string `json:"other_orders_elect,omitempty"`
	OtherOrdersLeft  bool     `json:"other_orders_left,omitempty"`
	// TieBreaking is the method's rule for ties, in words.
	TieBreaking string `json:"tie_breaking,omitempty"`
	// Seats is how many options are elected, 0 if the answer does not say it.
	Seats int `json:"seats,omitempty"`
	// Elected are the winners in the order in which they were elected.
	Elected []string `json:"elected,omitempty"`
	// Unresolved are options that are equal for seats; nil if all are decided.
	Unresolved *Unresolved `json:"unresolved,omitempty"`
	// Blank and Overvoted count ballots that name no option, or more than they may.
	Blank     uint64 `json:"blank,omitempty"`
	Overvoted uint64 `json:"overvoted,omitempty"`
	// Ranking is the final order, best first; options in one tier are equal.
	Ranking [][]string `json:"ranking,omitempty"`
	// Pairwise says how many ballots prefer the first option to the second.
	Pairwise map[string]map[string]Votes `json:"pairwise,omitempty"`
	// CondorcetWinner is preferred to each other option; empty if there is none.
	CondorcetWinner string   `json:"condorcet_winner,omitempty"`
	SmithSet        []string `json:"smith_set,omitempty"`
	// Paths are the strengths of the strongest chains of pairwise wins, from the first
	// option to the second.
	Paths map[string]map[string]Strength `json:"paths,omitempty"`
	// WorstDefeat is by option; with margins it is negative for one that is ahead of all.
	WorstDefeat map[string]Votes `json:"worst_defeat,omitempty"`
	// Locked are pairs in the order of locking, the winner first; Dropped are those that
	// were passed over, the strongest first.
	Locked    [][2]string `json:"locked,omitempty"`
	Dropped   [][2]string `json:"dropped,omitempty"`
	Finalists []string    `json:"finalists,omitempty"`
	Runoff    *Runoff     `json:"runoff,omitempty"`
	// DecidedBy is what decided between the finalists.
	DecidedBy string `json:"decided_by,omitempty"`
	// Quota is how many votes a seat takes; 0 if the method has none.
	Quota Votes `json:"quota,omitempty"`
	// Raw is the whole answer, including what only some methods return.
	Raw  json.RawMessage `json:"-"`
	Meta Meta            `json:"-"`
}

// Turnout is how many may vote and how many have voted. A voter who was dropped from
// the roll after voting counts in both: the ballot stays.
type Turnout struct {
	Eligible       uint64 `json:"eligible"`
	Voted          uint64 `json:"voted"`
	EligibleWeight uint64 `json:"eligible_weight"`
	VotedWeight    uint64 `json:"voted_weight"`
}

// Quorum is how many voters must have voted for the result to bind.
type Quorum struct {
	Needed uint64 `json:"needed"`
	// Met is nil until the result is certified.
	Met *bool `json:"met,omitempty"`
}

// Unresolved is a tie that stays open.
type Unresolved struct {
	Seats   int      `json:"seats"` // that are not filled
	Options []string `json:"options"`
	Stage   string   `json:"stage"`
}

// Runoff is a comparison of two finalists.
type Runoff struct {
	Votes        map[string]Votes `json:"votes"`
	NoPreference uint64           `json:"no_preference"`
}

// OptionResult is what one option received. Fields that a method does not use are zero.
type OptionResult struct {
	ID    string  `json:"id"`
	Votes Votes   `json:"votes"`
	Score Votes   `json:"score,omitempty"`
	Mean  float64 `json:"mean,omitempty"`

	Points    Votes `json:"points,omitempty"`
	Wins      Votes `json:"wins,omitempty"`       // pairs that it wins
	TopScores Votes `json:"top_scores,omitempty"` // ballots that give it the highest score
	// Ballots is how many ballots score it.
	Ballots Votes `json:"ballots,omitempty"`
	// Distribution is how many ballots give it each score, from 0 on.
	Distribution []int64 `json:"distribution,omitempty"`
}

// Strength is how strong a chain of pairwise wins is: a number, or a ratio such as 7:2.
type Strength string

// UnmarshalJSON accepts a number, or a string.
func (s *Strength) UnmarshalJSON(data []byte) error {
	*s = Strength(bytes.Trim(data, `"`))
	return nil
}

// Round is one step of a count in rounds.
type Round struct {
	Votes      map[string]Votes `json:"votes"`
	Eliminated []string         `json:"eliminated,omitempty"`
	Elected    []string         `json:"elected,omitempty"`
	Exhausted  Votes            `json:"exhausted"`
	// Decided says how a tie for last was decided, in words.
	Decided string `json:"decided,omitempty"`
	// Loss is what rounding has lost up to this round.
	Loss      Votes    `json:"loss,omitempty"`
	Quota     Votes    `json:"quota,omitempty"`
	Threshold Votes    `json:"threshold,omitempty"`
	SurplusOf []string `json:"surplus_of,omitempty"`
	// Transfers are the votes that moved at the end of the round, from the first option to
	// the second, or to "exhausted".
	Transfers map[string]map[string]Votes `json:"transfers,omitempty"`
	// Keep is the share of each ballot that an option keeps.
	Keep map[string]Votes `json:"keep,omitempty"`
	// ExhaustedBy says why ballots are exhausted; nil if the method does not say.
	ExhaustedBy *Exhaustion `json:"exhausted_by,omitempty"`
	// Scores are the sums of scores in this round.
	Scores map[string]Votes `json:"scores,omitempty"`
	// Finalists, Runoff, DecidedBy and Unresolved are as in Results, of this round.
	Finalists  []string    `json:"finalists,omitempty"`
	Runoff     *Runoff     `json:"runoff,omitempty"`
	DecidedBy  string      `json:"decided_by,omitempty"`
	Unresolved *Unresolved `json:"unresolved,omitempty"`
}

// Exhaustion counts exhausted ballots by their reason.
type Exhaustion struct {
	Choices   uint64 `json:"choices"`   // no further choice
	Overvotes uint64 `json:"overvotes"` // several options at one rank
	Skipped   uint64 `json:"skipped"`   // too many empty ranks
	Repeated  uint64 `json:"repeated"`  // an option that is ranked again
}

// Tie is one step that decided between equal options.
type Tie struct {
	Round   int      `json:"round,omitempty"` // from 1; 0 if the method has no rounds
	Options []string `json:"options"`
	Step    TieStep  `json:"step"`
	Chosen  []string `json:"chosen"` // those that it picked: to win, or to be eliminated in a round
}

// TieStep names how a step decided.
type TieStep string

// The steps.
const (
	TieReport       TieStep = "report"             // all of them won
	TieTogether     TieStep = "together"           // all were eliminated: their order cannot matter
	TieAnyOrder     TieStep = "any_order"          // one was taken, and whichever it is, the same options win
	TieEarlierRound TieStep = "earlier_round"      // the votes in the latest round in which they differed
	TieHeadToHead   TieStep = "head_to_head"       // fewer comparisons lost among them
	TieScore        TieStep = "score"              // a higher sum of scores
	TieTopScores    TieStep = "top_scores"         // more ballots with the highest score
	TieMarginsAmong TieStep = "margins_among_tied" // a higher sum of margins over each other
	TieMarginsAll   TieStep = "margins_over_all"   // a higher sum of margins over all options
	TieListed       TieStep = "listed"             // the definition's order decided: the first wins, the last is eliminated
	TieLot          TieStep = "lot"                // the order that was drawn decided: the first wins, the last is eliminated
	TieOpen         TieStep = "open"               // nothing decided
)

// resultsInto decodes results and keeps the answer as it came.
type resultsInto struct{ Results }

func (r *resultsInto) decode(body []byte) error {
	r.Results = Results{}
	if err := json.Unmarshal(body, &r.Results); err != nil {
		return err
	}
	r.Raw = bytes.Clone(body)
	return nil
}

// Results returns the tally of a poll; an empty consistency is Linearizable. It is
// refused with CodeResultsHidden if the poll shows results only after closing.
func (c *Client) Results(ctx context.Context, poll string, consistency Consistency) (Results, error) {
	var into resultsInto
	k := call{method: http.MethodGet, into: &into}
	if err := k.route("/v1/polls/", poll, "/results"); err != nil {
		return Results{}, err
	}
	if consistency != "" {
		k.query = "consistency=" + string(appendEscaped(nil, string(consistency)))
	}
	meta, err := c.do(ctx, &k)
	into.Meta = meta
	return into.Results, err
}

// ResultsFormat is how results are written for other programs and for paper.
type ResultsFormat string

// The formats.
const (
	ResultsJSON   ResultsFormat = "json"
	ResultsCSV    ResultsFormat = "csv"    // rounds, else pairs, else votes
	ResultsPairs  ResultsFormat = "pairs"  // the pairwise matrix, in CSV
	ResultsRCTab  ResultsFormat = "rctab"  // RCTab's summary, in JSON
	ResultsReport ResultsFormat = "report" // plain text
)

// ResultsFormats lists all formats, in the order to show them.
func ResultsFormats() []ResultsFormat {
	return []ResultsFormat{ResultsJSON, ResultsCSV, ResultsPairs, ResultsRCTab, ResultsReport}
}

// ResultsAs writes what Results returns, in a format; empty is JSON. It is refused with
// CodeNotAcceptable where the poll's method gives nothing for that format. After an error w
// may be incomplete.
func (c *Client) ResultsAs(ctx context.Context, poll string, consistency Consistency, f ResultsFormat, w io.Writer) (Meta, error) {
	var k call
	if err := k.route("/v1/polls/", poll, "/results"); err != nil {
		return Meta{}, err
	}
	query := []byte("format=")
	query = appendEscaped(query, string(cmp.Or(f, ResultsJSON)))
	if consistency != "" {
		query = appendEscaped(append(query, "&consistency="...), string(consistency))
	}
	k.query = string(query)
	return c.download(ctx, &k, w)
}

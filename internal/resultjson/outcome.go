package resultjson

// Outcome is what was counted. Fields that a method has no use for are absent. Options
// stand in the order of the definition.
type Outcome struct {
	Winners     []string  `json:"winners"`
	Options     []Option  `json:"options"`
	Rounds      []Round   `json:"rounds,omitempty"`
	Ties        []Tie     `json:"ties,omitempty"`
	OtherOrders *[]string `json:"other_orders_elect,omitzero"` // if an order of the options decided
	OrdersLeft  bool      `json:"other_orders_left,omitzero"`
	TieBreaking string    `json:"tie_breaking"`

	Elected    []string    `json:"elected,omitempty"` // in this order
	Unresolved *Unresolved `json:"unresolved,omitzero"`
	Blank      int64       `json:"blank,omitzero"`
	Overvoted  int64       `json:"overvoted,omitzero"`

	Ranking         [][]string       `json:"ranking,omitempty"` // best first
	Pairwise        By[By[Number]]   `json:"pairwise,omitempty"`
	CondorcetWinner string           `json:"condorcet_winner,omitempty"`
	Smith           []string         `json:"smith_set,omitempty"`
	Paths           By[By[Strength]] `json:"paths,omitempty"`
	WorstDefeat     By[Number]       `json:"worst_defeat,omitempty"`
	Locked          [][2]string      `json:"locked,omitempty"`  // winner first, in the order of locking
	Dropped         [][2]string      `json:"dropped,omitempty"` // winner first, the strongest first

	Finalists []string `json:"finalists,omitempty"`
	Runoff    *Runoff  `json:"runoff,omitzero"`
	DecidedBy string   `json:"decided_by,omitempty"`
	Quota     Number   `json:"quota,omitzero"`
}

// Option is what an option received.
type Option struct {
	ID           string  `json:"id"`
	Votes        Number  `json:"votes,omitzero"`
	Score        Number  `json:"score,omitzero"`
	Mean         Number  `json:"mean,omitzero"`
	Ballots      Number  `json:"ballots,omitzero"` // with scores: those that score it
	Points       Number  `json:"points,omitzero"`
	Wins         Number  `json:"wins,omitzero"`
	TopScores    Number  `json:"top_scores,omitzero"`
	Distribution []int64 `json:"distribution,omitempty"` // ballots by score, from 0 on
}

// Round is a step of a count in rounds.
type Round struct {
	Votes       By[Number]     `json:"votes"` // of those that stand
	Eliminated  []string       `json:"eliminated"`
	Exhausted   Number         `json:"exhausted"`
	Decided     string         `json:"decided,omitempty"`
	Elected     []string       `json:"elected,omitempty"`
	SurplusOf   []string       `json:"surplus_of,omitempty"`
	ExhaustedBy *Exhaustion    `json:"exhausted_by,omitzero"`
	Loss        Number         `json:"loss,omitzero"`
	Threshold   Number         `json:"threshold,omitzero"`
	Quota       Number         `json:"quota,omitzero"`
	Keep        By[Number]     `json:"keep,omitempty"`
	Transfers   By[By[Number]] `json:"transfers,omitempty"` // to "exhausted" if no option receives them
	Scores      By[Number]     `json:"scores,omitempty"`
	Finalists   []string       `json:"finalists,omitempty"`
	Runoff      *Runoff        `json:"runoff,omitzero"`
	DecidedBy   string         `json:"decided_by,omitempty"`
	Unresolved  *Unresolved    `json:"unresolved,omitzero"`
}

// Tie is one step that decided between equal options.
type Tie struct {
	Round   int      `json:"round,omitzero"`
	Options []string `json:"options"`
	Step    string   `json:"step"`
	Chosen  []string `json:"chosen"`
}

// Unresolved is a tie that stays open.
type Unresolved struct {
	Seats   int      `json:"seats"`
	Options []string `json:"options"`
	Stage   string   `json:"stage"`
}

// Runoff is a comparison of two finalists.
type Runoff struct {
	Votes        By[Number] `json:"votes"`
	NoPreference int64      `json:"no_preference"`
}

// Exhaustion is why ballots are exhausted.
type Exhaustion struct {
	Choices   int64 `json:"choices"`
	Overvotes int64 `json:"overvotes"`
	Skipped   int64 `json:"skipped"`
	Repeated  int64 `json:"repeated"`
}

// Exhausted stands in Transfers in the place of an option, for votes that no longer count
// for any.
const Exhausted = "exhausted"

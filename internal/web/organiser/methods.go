package organiser

// method is what the form of a new poll offers of a way of counting. That these are the methods and rules that there
// are is tested against the package that counts.
type method struct {
	Name    string
	Ballot  string // choices, scores, ranks: what a ballot holds
	OneSeat bool
	Rules   []rule
}

// rule is a choice within a method.
type rule struct {
	Name  string
	Kind  ruleKind
	Words []string // for oneWord; the first is the default
}

// ruleKind says what a rule is set to.
type ruleKind string

const (
	oneWord     ruleKind = "select"
	wholeNumber ruleKind = "number"
	oneOption   ruleKind = "text"  // the id of an option
	someOptions ruleKind = "lines" // ids of options, one a line
)

func words(name string, values ...string) rule { return rule{Name: name, Kind: oneWord, Words: values} }

var (
	unranked  = words("unranked", "bottom", "ignore")
	writeIn   = rule{Name: "write_in", Kind: oneOption}
	withdrawn = rule{Name: "withdrawn", Kind: someOptions}
)

// methods are in the order in which people see them.
var methods = []method{
	{Name: "plurality", Ballot: "choices"},
	{Name: "approval", Ballot: "choices"},
	{Name: "score", Ballot: "scores", Rules: []rule{words("by", "sum", "mean"), {Name: "min_scores", Kind: wholeNumber}}},
	{Name: "star", Ballot: "scores", Rules: []rule{words("tie_ladder", "official", "simple", "report")}},
	{Name: "star_pr", Ballot: "scores"},
	{Name: "irv", Ballot: "ranks", OneSeat: true, Rules: []rule{
		words("until", "majority", "two"),
		words("eliminate", "tied_sure_losers", "one", "sure_losers"),
		words("threshold", "active", "first_round"),
		words("overvote", "exhaust", "skip", "exhaust_if_multiple_continuing"),
		{Name: "max_skipped", Kind: wholeNumber},
		words("duplicate", "skip", "exhaust"),
		writeIn, withdrawn,
	}},
	{Name: "stv", Ballot: "ranks", Rules: []rule{
		words("rule_set", "scottish", "prf_wigm", "prf_meek", "rctab", "exact"),
		words("quota", "droop", "hagenbach_bischoff", "hare"),
		words("eliminate", "one", "sure_losers"),
		writeIn, withdrawn,
	}},
	{Name: "borda", Ballot: "ranks", Rules: []rule{words("points", "standard", "n", "dowdall", "modified"), words("unranked", "average", "zero")}},
	{Name: "schulze", Ballot: "ranks", OneSeat: true, Rules: []rule{words("strength", "winning_votes", "margins", "ratio"), unranked}},
	{Name: "ranked_pairs", Ballot: "ranks", OneSeat: true, Rules: []rule{words("strength", "winning_votes", "margins"), unranked}},
	{Name: "minimax", Ballot: "ranks", OneSeat: true, Rules: []rule{words("strength", "winning_votes", "margins", "opposition"), unranked}},
	{Name: "copeland", Ballot: "ranks", OneSeat: true, Rules: []rule{words("tie_ladder", "none", "margins"), unranked}},
}

// methodNamed returns a method, nil if there is none of this name.
func methodNamed(name string) *method {
	for i := range methods {
		if methods[i].Name == name {
			return &methods[i]
		}
	}
	return nil
}

// field is the name of a rule's field in the form.
func (m *method) field(r rule) string { return "rule." + m.Name + "." + r.Name }

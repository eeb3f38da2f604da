package tally

import (
	"fmt"
	"slices"
	"strings"
)

// The names of the rule sets.
const (
	setScottish = "scottish"
	setPRFWIGM  = "prf_wigm"
	setPRFMeek  = "prf_meek"
	setRCTab    = "rctab"
	setExact    = "exact"
)

// The quotas from which rctab and exact can choose.
const (
	quotaDroop      = "droop"
	quotaFractional = "hagenbach_bischoff"
	quotaHare       = "hare"
)

var stvRuleSet = Rule{
	Name:  "rule_set",
	Kind:  Word,
	Words: []string{setScottish, setPRFWIGM, setPRFMeek, setRCTab, setExact},
	Help: "Whose rules: those of Scottish council elections; a reference rule of the Proportional Representation Foundation, " +
		"with surpluses moved once (wigm) or shared out again in every round (meek); those of the tabulator RCTab, by which cities " +
		"in the United States count; or those of textbooks, in fractions that are never rounded (exact).",
}

var stvQuota = Rule{
	Name:  "quota",
	Kind:  Word,
	Words: []string{quotaDroop, quotaFractional, quotaHare},
	Help: "With rctab and exact, what a seat takes of V votes for s seats: V/(s+1), rounded down to a whole vote, plus one (droop); " +
		"V/(s+1) itself, of which rctab keeps four decimals and adds 0.0001 (hagenbach_bischoff); or V/s, which rctab rounds up to a " +
		"whole vote (hare). The other rule sets have a quota of their own.",
}

var stvEliminate = Rule{
	Name:  "eliminate",
	Kind:  Word,
	Words: []string{"one", "sure_losers"},
	Help:  "Who leaves when no surplus has to move: the option with the fewest votes, or, with prf_wigm, all that can no longer win.",
}

var stvWriteIn = Rule{
	Name:    "write_in",
	Kind:    OneOption,
	Default: "none",
	Help: "With rctab, the option that stands for write-ins that were not declared: it is not elected, and of those who " +
		"leave it is the first, whatever it has.",
}

var stvWithdrawn = Rule{
	Name:    "withdrawn",
	Kind:    SomeOptions,
	Default: "none",
	Help:    "Options that are passed over as if no ballot named them.",
}

// stvSet is the rule set of a count. Fractions are counted only where they stay short.
func (s Settings) stvSet(options int) string {
	set := s.word(stvRuleSet)
	if set == setExact && (s.seats() > maxExactSeats || options > maxExactOptions) {
		return stvRuleSet.Words[0]
	}
	return set
}

// wigmRules are those of a rule set of the weighted inclusive Gregory method.
func (s Settings) wigmRules(set string) (rules wigmRules) {
	switch set {
	case setPRFWIGM:
		rules = prfWIGM
		rules.sureLosers = s.word(stvEliminate) == "sure_losers"
	case setRCTab:
		rules = rctab
		rules.quota = rctabQuotas[s.word(stvQuota)]
	case setExact:
		rules = exactWIGM
		rules.quota = exactQuotas[s.word(stvQuota)]
	default:
		rules = scottish
	}
	return rules
}

// checkSTV refuses what the chosen rule set does not have.
func checkSTV(s Settings, options int) (faults []Fault) {
	set := s.word(stvRuleSet)
	wrong := func(field, detail string, args ...any) {
		faults = append(faults, Fault{field, fmt.Sprintf(detail, args...)})
	}
	// only says which rule sets have something that was asked for.
	only := func(asked bool, field, what string, sets ...string) {
		if asked && !slices.Contains(sets, set) {
			wrong(field, "The rule set %s %s; choose %s, or leave the rule out.", set, what, strings.Join(sets, " or "))
		}
	}
	if s.word(stvEliminate) == "sure_losers" && set != setPRFWIGM {
		wrong("rules.eliminate", "The rule set %s eliminates one option at a time; only %s can eliminate several.", set, setPRFWIGM)
	}
	only(s.word(stvQuota) != quotaDroop, "rules.quota", "has a quota of its own", setRCTab, setExact)
	only(len(s.Rules[stvWriteIn.Name].Options) > 0, "rules.write_in", "has no rule for write-ins", setRCTab)
	if set == setExact && s.seats() > maxExactSeats {
		wrong("seats", "The rule set %s fills %d seats at most, since its fractions have twice as many digits after each surplus; choose another rule set.", set, maxExactSeats)
	}
	if set == setExact && options > maxExactOptions {
		wrong("rules.rule_set", "The rule set %s counts %d options at most, since it keeps whole fractions; choose another one.", set, maxExactOptions)
	}
	return faults
}

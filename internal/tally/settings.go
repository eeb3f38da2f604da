package tally

import (
	"fmt"
	"slices"
	"strings"
)

// Settings is what a poll asks for beyond the name of its method. The zero Settings is one
// seat and the method's defaults. [Method.Check] says whether a method knows them; what it
// does not know, a tabulation replaces by the default.
type Settings struct {
	Seats      int      // how many options are to be elected; 0 is 1
	Ties       TieBreak // what decides where the method's own steps leave options equal
	Lot        []int    // for TiesLot: option numbers, earlier ones stay or win; nil if it is not drawn yet
	Rules      Rules    // by rule name; what is missing has its default
	MaxScore   int      // the highest score of the poll; 0 is the method's default
	MaxChoices int      // a ballot of the form Choice that names more counts for none; 0 is no limit
}

// TieBreak is what decides between options that the steps of a method leave equal.
type TieBreak uint8

// The tie-breaks.
const (
	TiesDefault TieBreak = iota // as [Method.DefaultTies] says
	TiesListed                  // the order of the definition: earlier options stay or win
	TiesLot                     // Settings.Lot; while it is nil, the tie stays open
	TiesReport                  // nothing: the tie is reported
)

// tieBreaks are the names in a definition.
var tieBreaks = [...]string{TiesListed: "listed", TiesLot: "lot", TiesReport: "report"}

// String is the name in a definition; the default has none.
func (t TieBreak) String() string {
	if int(t) < len(tieBreaks) {
		return tieBreaks[t]
	}
	return ""
}

// TieBreakNamed finds a tie-break by the name in a definition.
func TieBreakNamed(name string) (TieBreak, bool) {
	i := slices.Index(tieBreaks[TiesListed:], name)
	return TieBreak(i + 1), i >= 0
}

// TieBreakNames lists the names, the one that most methods have by default first.
func TieBreakNames() []string { return slices.Clone(tieBreaks[TiesListed:]) }

// Fault is one thing that is wrong with settings.
type Fault struct {
	Field  string // as in a definition: seats, tie_break, rules.lot, rules.NAME
	Detail string // a sentence
}

// Check returns what the method does not know of these settings, for a poll of so many
// options; nil means that they are right.
func (m Method) Check(s Settings, options int) (faults []Fault) {
	wrong := func(field, detail string, args ...any) {
		faults = append(faults, Fault{field, fmt.Sprintf(detail, args...)})
	}
	switch {
	case s.Seats < 0:
		wrong("seats", "The number of seats is 1 or more.")
	case s.Seats > 1 && m.OneSeat:
		wrong("seats", "The method %s elects one option.", m.Name)
	case m.MaxSeats > 0 && s.Seats > m.MaxSeats:
		wrong("seats", "The method %s fills %d seats at most.", m.Name, m.MaxSeats)
	}
	if s.Ties != TiesDefault && s.Ties.String() == "" {
		wrong("tie_break", "A tie-break is one of %s.", strings.Join(TieBreakNames(), ", "))
	}
	if len(s.Lot) > 0 && !OrdersAll(s.Lot, options) {
		wrong("rules.lot", "A lot names each option once.")
	}
	faults = append(faults, m.checkRules(s.Rules, options)...)
	if m.check != nil && len(faults) == 0 {
		faults = m.check(s, options)
	}
	return faults
}

// OrdersAll reports whether an order has each of so many options once.
func OrdersAll(order []int, options int) bool {
	sorted := slices.Sorted(slices.Values(order))
	for i, option := range sorted {
		if option != i {
			return false
		}
	}
	return len(sorted) == options
}

// seats is how many options are to be elected.
func (s Settings) seats() int { return max(s.Seats, 1) }

// with returns the settings with the defaults of a method in place of what is not set.
func (s Settings) with(m Method) Settings {
	s.Seats = s.seats()
	if m.OneSeat {
		s.Seats = 1
	}
	if m.MaxSeats > 0 {
		s.Seats = min(s.Seats, m.MaxSeats)
	}
	if s.Ties.String() == "" {
		s.Ties = m.DefaultTies
	}
	if s.MaxScore <= 0 {
		s.MaxScore = m.DefaultMaxScore
	}
	return s
}

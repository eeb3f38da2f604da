package tally

// sheet is the ballots of one group in a count that moves them from option to option: each
// is read from its top to its end once.
type sheet struct {
	weight  int64
	next    int32 // the group after it in its list
	at, end int32 // what is left to read of its ranking, in the order of all sheets
}

// sheets are the groups of a profile, and the options that their rankings name, one
// ranking after the other. A count in rounds reads a few options of each group in each
// round, in no order. Most of its time is waiting for memory, so they lie close together.
//
// Numbers have 32 bits for the same reason. 2^31 groups or marks would need tens of GiB in
// the profile alone.
type sheets struct {
	list  []sheet
	order []int32 // option numbers, all valid
}

func newSheets(p Profile) sheets {
	marks := 0 // as many as there are if no rank has several
	for g := range p.Groups {
		marks += len(p.Groups[g].Ranking)
	}
	return sheets{list: make([]sheet, len(p.Groups)), order: make([]int32, 0, marks)}
}

// read reads a group's ranking on to the next option that is open, and returns it or none.
func (s *sheets) read(g int32, open []bool) int {
	sheet := &s.list[g]
	for sheet.at < sheet.end {
		option := s.order[sheet.at]
		sheet.at++
		if open[option] {
			return int(option)
		}
	}
	return none
}

// none ends a list of groups, and stands for no option.
const none = -1

package public

import (
	"cmp"
	"slices"

	"voted/internal/resultjson"
	"voted/internal/web/chart"
)

// maxPairs is how many options a matrix shows.
const maxPairs = 20

// pairs is the matrix of comparisons: the option with the most wins first.
type pairs struct {
	Names []string
	Rows  []pairsRow
	Left  int // options that are not shown
}

type pairsRow struct {
	Name  string
	Cells []pairCell
}

// pairCell compares the option of the row with that of the column.
type pairCell struct {
	Same      bool // they are one
	For       string
	Against   string
	Won, Even bool
}

// pairs makes the matrix; nil if the method compares no pairs.
func (s *speaker) pairs(r *results) *pairs {
	ids := r.compared()
	if len(ids) == 0 {
		return nil
	}
	t := &pairs{Left: max(len(ids)-maxPairs, 0)}
	ids = ids[:min(len(ids), maxPairs)]
	for _, a := range ids {
		x := pairsRow{Name: s.names[a]}
		for _, b := range ids {
			x.Cells = append(x.Cells, s.compare(r, a, b))
		}
		t.Names, t.Rows = append(t.Names, s.names[a]), append(t.Rows, x)
	}
	return t
}

func (r *results) preferring(a, b string) resultjson.Number {
	row, _ := r.Pairwise.Of(a)
	n, _ := row.Of(b)
	return orZero(n)
}

func (s *speaker) compare(r *results, a, b string) pairCell {
	if a == b {
		return pairCell{Same: true}
	}
	own, theirs := r.preferring(a, b), r.preferring(b, a)
	c := cmp.Compare(float(own), float(theirs))
	return pairCell{For: s.number(own), Against: s.number(theirs), Won: c > 0, Even: c == 0}
}

// compared are the options by how many comparisons they win.
func (r *results) compared() []string {
	n := len(r.Pairwise)
	at, ids := make(map[string]int, n), make([]string, n)
	for i, row := range r.Pairwise {
		at[row.ID], ids[i] = i, row.ID
	}
	all := make([]float64, n*n) // how many prefer the option of the row to that of the column
	for i, row := range r.Pairwise {
		for _, other := range row.Value {
			if j, ok := at[other.ID]; ok {
				all[i*n+j] = float(other.Value)
			}
		}
	}
	wins := make([]int, n)
	for i := range n {
		for j := range n {
			wins[i] += boolean(all[i*n+j] > all[j*n+i])
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(wins[at[b]], wins[at[a]]) })
	return ids
}

// matrix draws the comparisons.
func (s *speaker) matrix(r *results) chart.Drawing {
	ids := r.compared()
	ids = ids[:min(len(ids), maxPairs)]
	names, cells := make([]string, len(ids)), make([][]chart.Pair, len(ids))
	for i, a := range ids {
		names[i] = s.names[a]
		for _, b := range ids {
			own := r.preferring(a, b)
			cells[i] = append(cells[i], chart.Pair{For: float(own), Against: float(r.preferring(b, a)), Label: s.number(own)})
		}
	}
	return chart.Pairs(names, cells)
}

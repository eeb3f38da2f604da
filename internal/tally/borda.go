package tally

import "math/big"

// borda gives an option points for the rank that a ballot gives it; the most points win.
// Options at the same rank share the points of the places they take. So do the options
// that a ballot does not rank, unless they get none.
//
// Sources: J.-C. de Borda, "Mémoire sur les élections au scrutin", 1781; shared places as
// in D. Black, "Partial justification of the Borda count", Public Choice 28 (1976);
// points of 1, 1/2, 1/3 as Nauru counts (Dowdall); k points for the first of k ranked
// options as in P. Emerson, "The original Borda count and partial voting", Social Choice
// and Welfare 40 (2013).
var borda = Method{
	Name:        "borda",
	Title:       "Borda count",
	Form:        Ranking,
	Ties:        true,
	DefaultTies: TiesReport,
	Rules:       []Rule{bordaPoints, bordaUnranked},
	check:       checkBorda,
	tabulate:    tabulateBorda,
}

var (
	bordaPoints = Rule{
		Name: "points", Kind: Word, Words: []string{"standard", "n", "dowdall", "modified"},
		Help: "The points of n options, from the first rank on: n-1 to 0 (standard), n to 1 (n), 1, 1/2, 1/3 and so on (dowdall), or k to 1 on a ballot that ranks k options (modified).",
	}
	bordaUnranked = Rule{
		Name: "unranked", Kind: Word, Words: []string{"average", "zero"},
		Help: "Whether options that a ballot does not rank share the points of the places that are left, or get none; with modified points they get none.",
	}
)

func checkBorda(s Settings, _ int) []Fault {
	if s.word(bordaPoints) == "modified" && s.Rules[bordaUnranked.Name].Word == "average" {
		return []Fault{{"rules.unranked", "With modified points, options that a ballot does not rank get none."}}
	}
	return nil
}

func tabulateBorda(p Profile, s Settings) Result {
	scheme := s.word(bordaPoints)
	c := newBordaCount(max(p.Options, 0), scheme)
	c.share = scheme != "modified" && s.word(bordaUnranked) == "average"
	for i := range p.Groups {
		if g := &p.Groups[i]; g.Weight > 0 {
			c.add(g)
		}
	}
	r := Result{
		Ballots: c.ballots, Blank: c.blank,
		Options:     make([]OptionResult, c.options),
		TieBreaking: leadersTie(s, "number of points"),
	}
	points := c.points()
	var ranked []int
	for i := range r.Options {
		r.Options[i].Marks = c.marks[i]
		if c.marks[i] > 0 {
			ranked = append(ranked, i)
		}
		if c.ballots > c.blank { // points may also go to an option that no ballot ranks
			r.Options[i].Points = Fraction(points[i], c.decimals())
		}
	}
	r.fillSeats(s, ranked, func(a, b int) int { return points[b].Cmp(points[a]) }, nil)
	return r
}

// bordaCount counts how often each option is at each place of a ballot. What the places are
// worth is added up at the end, in exact numbers.
type bordaCount struct {
	options int
	dowdall bool
	// first gives the name, from 0 to options, of a place (from 0) on a ballot that ranks
	// so many options: with dowdall the place's number, from 1; otherwise its points.
	first   func(ranked, place int) int
	share   bool // unranked options share the places left
	ballots int64
	blank   int64
	marks   []int64 // per option: ballots that rank it

	alone []int64         // at option*(options+1)+first: ballots that rank it there alone
	tied  []map[run]int64 // per option: ballots that rank it with others
	full  []int64         // by how many they rank: ballots whose other options share
	takes []int64         // at option*(options+1)+ranked: those of full that rank the option

	seen once
	tier []int
}

// run is places in a row that equal options take: the name of the first, and how many.
type run struct{ first, size int }

func newBordaCount(options int, scheme string) *bordaCount {
	c := &bordaCount{
		options: options,
		dowdall: scheme == "dowdall",
		marks:   make([]int64, options),
		alone:   make([]int64, options*(options+1)),
		tied:    make([]map[run]int64, options),
		full:    make([]int64, options+1),
		takes:   make([]int64, options*(options+1)),
		seen:    newOnce(options),
	}
	switch scheme {
	case "dowdall":
		c.first = func(_, place int) int { return place + 1 }
	case "n":
		c.first = func(_, place int) int { return options - place }
	case "modified":
		c.first = func(ranked, place int) int { return ranked - place }
	default:
		c.first = func(_, place int) int { return options - 1 - place }
	}
	return c
}

// add counts a group of ballots.
func (c *bordaCount) add(g *Group) {
	c.ballots += g.Weight
	ranked := c.ranked(g.Ranking)
	if ranked == 0 {
		c.blank += g.Weight
		return
	}
	c.full[ranked] += g.Weight
	c.seen.nextBallot()
	place := 0
	for _, tier := range g.Ranking {
		c.tier = c.tier[:0]
		for _, option := range tier {
			if c.seen.first(option) {
				c.tier = append(c.tier, option)
			}
		}
		for _, option := range c.tier {
			c.marks[option] += g.Weight
			c.takes[option*(c.options+1)+ranked] += g.Weight
			c.place(option, run{c.first(ranked, place), len(c.tier)}, g.Weight)
		}
		place += len(c.tier)
	}
}

// ranked is how many options a ballot ranks.
func (c *bordaCount) ranked(ranking [][]int) (n int) {
	c.seen.nextBallot()
	for _, tier := range ranking {
		for _, option := range tier {
			if c.seen.first(option) {
				n++
			}
		}
	}
	return n
}

// place counts ballots that rank an option there.
func (c *bordaCount) place(option int, where run, weight int64) {
	if where.size == 1 {
		c.alone[option*(c.options+1)+where.first] += weight
		return
	}
	if c.tied[option] == nil {
		c.tied[option] = map[run]int64{}
	}
	c.tied[option][where] += weight
}

// points are the points of each option.
func (c *bordaCount) points() []*big.Rat {
	unit := c.unit()
	worth := make([]*big.Int, c.options+1)  // of a place alone, by its name
	shared := make([]*big.Int, c.options+1) // of the places left, by how many are ranked
	for i := range worth {
		worth[i] = c.value(run{i, 1}, unit)
		shared[i] = new(big.Int)
		if c.share && i < c.options {
			shared[i] = c.value(run{c.first(i, i), c.options - i}, unit)
		}
	}
	points := make([]*big.Rat, c.options)
	for option := range points {
		sum, row := new(big.Int), option*(c.options+1)
		add := func(weight int64, value *big.Int) {
			if weight != 0 && value.Sign() != 0 {
				product := big.NewInt(weight)
				sum.Add(sum, product.Mul(product, value))
			}
		}
		for i := range worth {
			add(c.alone[row+i], worth[i])
			add(c.full[i]-c.takes[row+i], shared[i])
		}
		for where, weight := range c.tied[option] { // a sum: their order cannot matter
			add(weight, c.value(where, unit))
		}
		points[option] = new(big.Rat).SetFrac(sum, unit)
	}
	return points
}

// unit is a number that makes each value whole, if it is multiplied by it: 2, since the
// points that options share are whole; with dowdall the square of the least common multiple
// of all places, since points that are shared are divided once more.
func (c *bordaCount) unit() *big.Int {
	if !c.dowdall {
		return big.NewInt(2)
	}
	all := big.NewInt(1)
	for place := 2; place <= c.options; place++ {
		n := big.NewInt(int64(place))
		all.Mul(all, n.Div(n, new(big.Int).GCD(nil, nil, all, n)))
	}
	return all.Mul(all, all)
}

// value is the average of the places of a run, in units.
func (c *bordaCount) value(r run, unit *big.Int) *big.Int {
	if !c.dowdall {
		return big.NewInt(int64(2*r.first - r.size + 1))
	}
	v := new(big.Int)
	for place := max(r.first, 1); place < r.first+r.size; place++ {
		v.Add(v, new(big.Int).Div(unit, big.NewInt(int64(place))))
	}
	return v.Div(v, big.NewInt(int64(r.size)))
}

// decimals is how many are shown: halves come from options that share places.
func (c *bordaCount) decimals() int {
	if c.dowdall {
		return shownDecimals
	}
	return 1
}

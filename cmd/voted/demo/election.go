package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	exact "github.com/go-json-experiment/json"

	"voted/client"
	"voted/internal/profile"
	"voted/internal/profilefile"
	"voted/internal/resultjson"
	"voted/internal/tally"
)

// files are the elections: of each a definition with the result that was published, in
// JSON, and the ballots with their counts, in CSV.
//
//go:embed elections
var files embed.FS

// DefaultElection is the election that is run if none is named: the special general
// election for Alaska's seat in the U.S. House of Representatives of 16 August 2022, the
// state's first with ranked choices.
const DefaultElection = "alaska-2022"

// Elections lists the names of the elections, the default first.
func Elections() []string {
	names := []string{DefaultElection}
	all, err := fs.Glob(files, "elections/*.json")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, file := range all {
		if name := strings.TrimSuffix(path.Base(file), ".json"); name != DefaultElection {
			names = append(names, name)
		}
	}
	return names
}

// election is a real election.
type election struct {
	Definition client.Definition `json:"definition"`
	Published  published         `json:"published"`
	types      []ballotType
}

// published is a result as others have published it. What a round leaves out was not
// published.
type published struct {
	Source  string         `json:"source"`
	Winners []string       `json:"winners"`
	Rounds  []client.Round `json:"rounds"`
}

// ballotType is a ranking, in tiers, and how many voters cast it. An empty tier is a rank
// that was skipped.
type ballotType struct {
	Ranking [][]string
	Voters  int
}

// load reads an election.
func load(name string) (*election, error) {
	e := &election{}
	text, err := files.ReadFile("elections/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no election %q; choose one of %s", name, strings.Join(Elections(), ", "))
	}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("%s.json: %w", name, err)
	}
	ballots, err := files.Open("elections/" + name + ".csv")
	if err != nil {
		return nil, err
	}
	defer ballots.Close()
	asked := profilefile.Asked{Kind: profilefile.CSV, Form: tally.Ranking, FormTold: true}
	for _, o := range e.Definition.Options {
		asked.Options = append(asked.Options, profile.Option{ID: o.ID, Title: o.Title})
	}
	found, err := profilefile.Read(ballots, asked)
	if err != nil {
		return nil, fmt.Errorf("%s.csv: %w", name, err)
	}
	for _, g := range found.Groups {
		t := ballotType{Ranking: [][]string{}, Voters: int(g.Weight)}
		for _, tier := range g.Ranking {
			var ids []string
			for _, option := range tier {
				ids = append(ids, e.Definition.Options[option].ID)
			}
			t.Ranking = append(t.Ranking, ids)
		}
		e.types = append(e.types, t)
	}
	return e, nil
}

// Ballots returns how many ballots an election has.
func Ballots(name string) (int, error) {
	e, err := load(name)
	if err != nil {
		return 0, err
	}
	return votersOf(e.types), nil
}

func votersOf(types []ballotType) (n int) {
	for _, t := range types {
		n += t.Voters
	}
	return n
}

// scaled returns n ballots in the proportions of all of them, by largest
// remainders.
func scaled(all []ballotType, n int) []ballotType {
	total := votersOf(all)
	out := make([]ballotType, len(all))
	order := make([]int, len(all))
	given := 0
	for i, t := range all {
		out[i] = ballotType{t.Ranking, t.Voters * n / total}
		given += out[i].Voters
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return all[b].Voters*n%total - all[a].Voters*n%total })
	for _, i := range order[:n-given] {
		out[i].Voters++
	}
	return out
}

// electorate says which type of ballot each voter casts.
func electorate(types []ballotType, rng *rand.Rand) []uint16 {
	var votes []uint16
	for i, t := range types {
		votes = append(votes, slices.Repeat([]uint16{uint16(i)}, t.Voters)...)
	}
	rng.Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
	return votes
}

// counted counts ballots here, without a cluster, by the definition.
func (e *election) counted(types []ballotType) (r client.Results, err error) {
	method, known := tally.ByName(string(e.Definition.Method))
	if !known {
		return r, fmt.Errorf("there is no method %q", e.Definition.Method)
	}
	settings, err := e.settings(method)
	if err != nil {
		return r, err
	}
	p := tally.Profile{Options: len(e.Definition.Options)}
	for _, t := range types {
		g := tally.Group{Weight: int64(t.Voters)}
		for _, tier := range t.Ranking {
			numbers, err := e.numbers(tier)
			if err != nil {
				return r, err
			}
			g.Ranking = append(g.Ranking, numbers)
		}
		if t.Voters > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	result := method.FromProfile(p, settings)
	ids := make([]string, len(e.Definition.Options))
	for i, o := range e.Definition.Options {
		ids[i] = o.ID
	}
	text, err := exact.Marshal(resultjson.Of(&result, method.Form, ids))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

// settings are those of the definition, for the rules that these elections have: words, and
// a lot.
func (e *election) settings(m tally.Method) (s tally.Settings, err error) {
	s.Seats, s.Rules = e.Definition.Seats, tally.Rules{}
	if e.Definition.TieBreak != "" {
		s.Ties, _ = tally.TieBreakNamed(e.Definition.TieBreak)
	}
	for name, value := range e.Definition.Rules {
		switch v := value.(type) {
		case string:
			s.Rules[name] = tally.Value{Word: v}
		case []any:
			var ids []string
			for _, id := range v {
				ids = append(ids, fmt.Sprint(id))
			}
			if s.Lot, err = e.numbers(ids); err != nil {
				return s, err
			}
		}
	}
	if faults := m.Check(s, len(e.Definition.Options)); len(faults) > 0 {
		return s, fmt.Errorf("%s: %s", faults[0].Field, faults[0].Detail)
	}
	return s, nil
}

func (e *election) numbers(ids []string) ([]int, error) {
	numbers := make([]int, 0, len(ids))
	for _, id := range ids {
		i := slices.IndexFunc(e.Definition.Options, func(o client.PollOption) bool { return o.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("there is no option %q", id)
		}
		numbers = append(numbers, i)
	}
	return numbers, nil
}

// differs says in what results are not those that were published. Votes are compared as
// they are written, to their last decimal.
func (p *published) differs(r *client.Results) error {
	if !slices.Equal(r.Winners, p.Winners) {
		return fmt.Errorf("%v are elected, and %v as published", r.Winners, p.Winners)
	}
	if len(r.Rounds) != len(p.Rounds) {
		return fmt.Errorf("there are %d rounds, and %d as published", len(r.Rounds), len(p.Rounds))
	}
	for i := range p.Rounds {
		want, got := &p.Rounds[i], &r.Rounds[i]
		for id, votes := range want.Votes {
			if got.Votes[id] != votes {
				return fmt.Errorf("%s has %v votes in round %d, and %v as published", id, got.Votes[id], i+1, votes)
			}
		}
		for id, votes := range got.Votes {
			if _, there := want.Votes[id]; !there && votes != 0 {
				return fmt.Errorf("%s has %v votes in round %d, and is not there as published", id, votes, i+1)
			}
		}
		switch {
		case want.Eliminated != nil && !slices.Equal(got.Eliminated, want.Eliminated):
			return fmt.Errorf("%v leave in round %d, and %v as published", got.Eliminated, i+1, want.Eliminated)
		case want.Elected != nil && !slices.Equal(got.Elected, want.Elected):
			return fmt.Errorf("%v are elected in round %d, and %v as published", got.Elected, i+1, want.Elected)
		case want.Exhausted != 0 && got.Exhausted != want.Exhausted:
			return fmt.Errorf("%v votes are exhausted in round %d, and %v as published", got.Exhausted, i+1, want.Exhausted)
		}
	}
	return nil
}

// same says in what two results of one poll differ.
func same(got, want *client.Results) error {
	if !slices.Equal(got.Winners, want.Winners) || !slices.Equal(got.Elected, want.Elected) {
		return fmt.Errorf("%v win, not %v", got.Winners, want.Winners)
	}
	if len(got.Rounds) != len(want.Rounds) {
		return fmt.Errorf("there are %d rounds, not %d", len(got.Rounds), len(want.Rounds))
	}
	for i := range want.Rounds {
		g, err := json.Marshal(got.Rounds[i])
		if err != nil {
			return err
		}
		w, err := json.Marshal(want.Rounds[i])
		if err != nil {
			return err
		}
		if !bytes.Equal(g, w) {
			return fmt.Errorf("round %d is %s, not %s", i+1, g, w)
		}
	}
	return nil
}

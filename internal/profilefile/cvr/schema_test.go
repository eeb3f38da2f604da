package cvr

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"voted/internal/profile"
	"voted/internal/tally"
)

// ownSchema has what the standard asks of the classes that are written.
const ownSchema = "testdata/report-1.0.0.schema.json"

// nistSchema is NIST's own file, which the repository does not hold: it comes without a
// licence. Get NIST_V0_cast_vote_records.json of github.com/usnistgov/CastVoteRecords.
var nistSchema = flag.String("nist.schema", "", "check reports against this JSON schema too")

// schemas are those that reports are checked against.
func schemas(t *testing.T) (all []*jsonschema.Schema) {
	t.Helper()
	files := []string{ownSchema}
	if *nistSchema != "" {
		files = append(files, *nistSchema)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("report.json", document); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		schema, err := c.Compile("report.json")
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, schema)
	}
	return all
}

// references are members that hold ids of objects. A schema does not look at them.
var references = []string{"ReportGeneratingDeviceIds", "ElectionScopeId", "CandidateIds", "ElectionId", "ContestId", "ContestSelectionId", "CurrentSnapshotId"}

// checker looks through a report for ids.
type checker struct {
	ids, used map[string]bool
	faults    []string
	types     map[string]bool // of objects
}

func (c *checker) value(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			c.value(item)
		}
	case map[string]any:
		c.object(v)
	}
}

func (c *checker) object(o map[string]any) {
	c.types[fmt.Sprint(o["@type"])] = true
	if id, ok := o["@id"].(string); ok {
		if c.ids[id] {
			c.faults = append(c.faults, "the id "+id+" is there twice")
		}
		c.ids[id] = true
	}
	for member, value := range o {
		if slices.Contains(references, member) {
			values, isList := value.([]any)
			if !isList {
				values = []any{value}
			}
			for _, id := range values {
				c.used[fmt.Sprint(id)] = true
			}
		}
		c.value(value)
	}
}

// check returns what is wrong with a report, and the types of its objects.
func check(t *testing.T, text []byte) *checker {
	t.Helper()
	report, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	c := &checker{ids: map[string]bool{}, used: map[string]bool{}, types: map[string]bool{}}
	for _, schema := range schemas(t) {
		if err := schema.Validate(report); err != nil {
			c.faults = append(c.faults, err.Error())
		}
	}
	c.value(report)
	for id := range c.used {
		if !c.ids[id] {
			c.faults = append(c.faults, "the id "+id+" stands for nothing")
		}
	}
	return c
}

func TestAReportIsValidByTheStandardsSchema(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "a", Title: "Ann \"A\""}, {ID: "b", Title: "Bö"}}
	ballots := map[tally.Form][]tally.Preference{
		tally.Choice:  {{Choice: []int{0}}, {Choice: []int{0, 1}}, {}},
		tally.Ranking: {{Ranking: [][]int{{1}, {}, {0, 1}}}, {Ranking: [][]int{{0}}}, {}},
		tally.Scores:  {{Scores: []tally.OptionScore{{Option: 0, Score: 5}, {Option: 1, Score: 0}}}, {}},
	}
	methods := map[string]tally.Form{"": tally.Ranking}
	for _, name := range tally.Names() {
		m, _ := tally.ByName(name)
		methods[name] = m.Form
	}
	for method, form := range methods {
		p := &profile.Profile{Title: "Board", Options: options, Form: form, Method: method, MaxScore: 5}
		if method == "plurality" {
			p.MaxChoices = 1
		}
		for _, b := range ballots[form] {
			p.Groups = append(p.Groups, tally.Group{Preference: b, Weight: 2})
		}
		var out bytes.Buffer
		if err := Write(&out, p, "2026-11-28T12:00:00Z"); err != nil {
			t.Fatal(err)
		}
		c := check(t, out.Bytes())
		for _, fault := range c.faults {
			t.Errorf("%s: %s", method, fault)
		}
		const classes = 13 // that the schema describes
		if len(c.types) != classes {
			t.Errorf("%s: only the types %v were written", method, c.types)
		}
	}
}

// A poll in which no one voted has a report too.
func TestAReportOfNoBallotsIsValid(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Write(&out, &profile.Profile{Options: []profile.Option{{ID: "a", Title: "A"}}}, "2026-11-28T12:00:00Z"); err != nil {
		t.Fatal(err)
	}
	if c := check(t, out.Bytes()); len(c.faults) > 0 {
		t.Error(c.faults)
	}
}

// A check that finds nothing would prove nothing.
func TestTheCheckOfTheStandardFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := &profile.Profile{Options: []profile.Option{{ID: "a", Title: "A"}}, Groups: []tally.Group{{Preference: tally.Preference{Choice: []int{0}}, Weight: 1}}}
	var out bytes.Buffer
	if err := Write(&out, p, "2026-11-28T12:00:00Z"); err != nil {
		t.Fatal(err)
	}
	for old, damaged := range map[string]string{
		`"Type":"original",`: "", `"ContestId":"contest"`: `"ContestId":"other"`, `"HasIndication":"yes"`: `"HasIndication":"maybe"`, `"@type":"CVR.CVR",`: `"@type":"CVR",`,
		`"Version":"1.0.0"`: `"Version":"2"`, `"2026-11-28T12:00:00Z"`: `"today"`, `"@id":"s1"`: `"@id":"c1"`, `"UniqueId"`: `"Unique"`,
		`"NumberVotes":1`: `"NumberVotes":"1"`, `"NumberElected":1`: `"NumberElected":1.5`, `"CandidateIds":["c1"]`: `"CandidateIds":"c1"`, `"UniqueId":"1"`: `"UniqueId":1`,
	} {
		text := bytes.Replace(out.Bytes(), []byte(old), []byte(damaged), 1)
		if bytes.Equal(text, out.Bytes()) || len(check(t, text).faults) == 0 {
			t.Errorf("%s instead of %s is not found", damaged, old)
		}
	}
}

package cvr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"voted/internal/profile"
	"voted/internal/tally"
)

// kind is what the JSON schema of NIST SP 1500-103, version 1.0.0, asks of an object: which
// members it must have, and which it may have of those that are written here.
type kind struct{ must, may []string }

var schema = map[string]kind{
	"CVR.CastVoteRecordReport": {[]string{"@type", "Version", "GeneratedDate", "Election", "GpUnit", "ReportGeneratingDeviceIds", "ReportingDevice"}, []string{"CVR"}},
	"CVR.ReportingDevice":      {[]string{"@id", "@type"}, []string{"Application", "Manufacturer"}},
	"CVR.GpUnit":               {[]string{"@id", "@type", "Type"}, []string{"OtherType"}},
	"CVR.Election":             {[]string{"@id", "@type", "Contest", "ElectionScopeId"}, []string{"Candidate", "Name"}},
	"CVR.Candidate":            {[]string{"@id", "@type"}, []string{"Code", "Name"}},
	"CVR.Code":                 {[]string{"@type", "Type", "Value"}, []string{"OtherType"}},
	"CVR.CandidateContest":     {[]string{"@id", "@type", "ContestSelection"}, []string{"Name", "NumberElected", "VotesAllowed", "VoteVariation", "OtherVoteVariation"}},
	"CVR.CandidateSelection":   {[]string{"@id", "@type"}, []string{"CandidateIds"}},
	"CVR.CVR":                  {[]string{"@type", "CVRSnapshot", "CurrentSnapshotId", "ElectionId"}, []string{"UniqueId"}},
	"CVR.CVRSnapshot":          {[]string{"@id", "@type", "Type"}, []string{"CVRContest"}},
	"CVR.CVRContest":           {[]string{"@type", "ContestId"}, []string{"CVRContestSelection", "Overvotes", "Undervotes", "Status"}},
	"CVR.CVRContestSelection":  {[]string{"@type", "SelectionPosition"}, []string{"ContestSelectionId"}},
	"CVR.SelectionPosition":    {[]string{"@type", "HasIndication", "NumberVotes"}, []string{"Rank"}},
}

// words are the values that a member may have.
var words = map[string][]string{
	"CVR.GpUnit Type":                     {"combined-precinct", "other", "polling-place", "precinct", "split-precinct", "vote-center"},
	"CVR.Code Type":                       {"fips", "local-level", "national-level", "ocd-id", "other", "state-level"},
	"CVR.CandidateContest VoteVariation":  {"approval", "borda", "cumulative", "majority", "n-of-m", "other", "plurality", "proportional", "range", "rcv", "super-majority"},
	"CVR.CVRSnapshot Type":                {"interpreted", "modified", "original"},
	"CVR.CVRContest Status":               {"invalidated-rules", "not-indicated", "other", "overvoted", "undervoted"},
	"CVR.SelectionPosition HasIndication": {"no", "unknown", "yes"},
}

// references are members that hold ids of objects.
var references = []string{"ReportGeneratingDeviceIds", "ElectionScopeId", "CandidateIds", "ElectionId", "ContestId", "ContestSelectionId", "CurrentSnapshotId"}

// checker looks through a report.
type checker struct {
	ids, used map[string]bool
	faults    []string
	seen      map[string]bool
}

func (c *checker) faultf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
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
	name, _ := o["@type"].(string)
	k, known := schema[name]
	if !known {
		c.faultf("an object of the type %q", name)
		return
	}
	c.seen[name] = true
	for _, member := range k.must {
		if list, isList := o[member].([]any); o[member] == nil || isList && len(list) == 0 {
			c.faultf("%s lacks %s", name, member)
		}
	}
	if id, ok := o["@id"].(string); ok {
		if c.ids[id] {
			c.faultf("the id %s is there twice", id)
		}
		c.ids[id] = true
	}
	for member, value := range o {
		if !slices.Contains(k.must, member) && !slices.Contains(k.may, member) {
			c.faultf("%s has %s", name, member)
		}
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		for _, x := range values {
			text, _ := x.(string)
			if allowed := words[name+" "+member]; allowed != nil && !slices.Contains(allowed, text) {
				c.faultf("%s has the %s %q", name, member, text)
			}
			if slices.Contains(references, member) {
				c.used[text] = true
			}
		}
		c.value(value)
	}
}

// check returns what is wrong with a report.
func check(t *testing.T, text []byte) *checker {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	c := &checker{ids: map[string]bool{}, used: map[string]bool{}, seen: map[string]bool{}}
	c.value(report)
	for id := range c.used {
		if !c.ids[id] {
			c.faultf("the id %q stands for nothing", id)
		}
	}
	if report["Version"] != "1.0.0" {
		c.faultf("version %v", report["Version"])
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(report["GeneratedDate"])); err != nil {
		c.faultf("GeneratedDate: %v", err)
	}
	return c
}

func TestAReportHasWhatTheStandardRequires(t *testing.T) {
	t.Parallel()
	options := []profile.Option{{ID: "a", Title: "Ann \"A\""}, {ID: "b", Title: "Bö"}}
	ballots := map[tally.Form][]tally.Preference{
		tally.Choice:  {{Choice: []int{0}}, {Choice: []int{0, 1}}, {}},
		tally.Ranking: {{Ranking: [][]int{{1}, {}, {0, 1}}}, {Ranking: [][]int{{0}}}, {}},
		tally.Scores:  {{Scores: []tally.OptionScore{{Option: 0, Score: 5}, {Option: 1, Score: 0}}}, {}},
	}
	for method, form := range map[string]tally.Form{
		"": tally.Ranking, "plurality": tally.Choice, "approval": tally.Choice, "score": tally.Scores, "star": tally.Scores, "irv": tally.Ranking,
		"stv": tally.Ranking, "borda": tally.Ranking, "schulze": tally.Ranking,
	} {
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
		if len(c.seen) != len(schema) {
			t.Errorf("%s: only the types %v were written", method, c.seen)
		}
	}
}

// A check that finds nothing would prove nothing.
func TestTheCheckOfTheStandardFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	p := &profile.Profile{Options: []profile.Option{{ID: "a", Title: "A"}}, Groups: []tally.Group{{Preference: tally.Preference{Choice: []int{0}}, Weight: 1}}}
	var out bytes.Buffer
	if err := Write(&out, p, "2026-11-28T12:00:00Z"); err != nil {
		t.Fatal(err)
	}
	for old, damaged := range map[string]string{
		`"Type":"original",`: "", `"ContestId":"contest"`: `"ContestId":"other"`, `"HasIndication":"yes"`: `"HasIndication":"maybe"`, `"@type":"CVR.CVR",`: `"@type":"CVR",`,
		`"Version":"1.0.0"`: `"Version":"2"`, `"2026-11-28T12:00:00Z"`: `"today"`, `"@id":"s1"`: `"@id":"c1"`, `"UniqueId"`: `"Unique"`,
	} {
		text := bytes.Replace(out.Bytes(), []byte(old), []byte(damaged), 1)
		if bytes.Equal(text, out.Bytes()) || len(check(t, text).faults) == 0 {
			t.Errorf("%s instead of %s is not found", damaged, old)
		}
	}
}

package ingest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"voted/client"
)

func TestAMessageIsALineOfTheBulkRoute(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]client.BulkBallot{
		`{"voter":"v-1","selections":["ann"]}`:                  {Voter: "v-1", Ballot: client.Choose("ann")},
		`{"selections":["ann"],"if_version":3,"voter":"v-1"}`:   {Voter: "v-1", Ballot: client.Choose("ann"), IfVersion: 3},
		` {"voter":"Zoe\u0308","ranking":["bo",["ann","cy"]]} `: {Voter: "Zo\u00eb", Ballot: client.RankTiers([]string{"bo"}, []string{"ann", "cy"})},
		`{"voter":"v-1","scores":{"ann":5}}`:                    {Voter: "v-1", Ballot: client.Score(map[string]int{"ann": 5})},
		`{"voter":"v-1","selections":[]}`:                       {Voter: "v-1", Ballot: client.Choose()},
	} {
		got, refused := read(&message{poll: "board.2026", body: body})
		if refused != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", body, got, refused)
		}
	}
}

func TestAMessageThatIsNoBallotIsRefusedWithTheServicesCode(t *testing.T) {
	t.Parallel()
	fits := fmt.Sprintf(`{"voter":"v-1","selections":["ann"]}%*s`, maxMessageBytes-36, "")
	for _, c := range []struct {
		name, poll, body string
		code             client.Code
	}{
		{"no JSON", "p", `hello`, client.CodeMalformedRequest},
		{"nothing", "p", ``, client.CodeMalformedRequest},
		{"an array", "p", `[]`, client.CodeMalformedRequest},
		{"two objects", "p", `{"voter":"v-1","selections":["ann"]}{}`, client.CodeMalformedRequest},
		{"no voter", "p", `{"selections":["ann"]}`, client.CodeMalformedRequest},
		{"no choice", "p", `{"voter":"v-1"}`, client.CodeMalformedRequest},
		{"an unknown member", "p", `{"voter":"v-1","selections":["ann"],"weight":2}`, client.CodeMalformedRequest},
		{"a member twice", "p", `{"voter":"v-1","voter":"v-2","selections":["ann"]}`, client.CodeMalformedRequest},
		{"a choice twice", "p", `{"voter":"v-1","selections":["ann"],"selections":["bo"]}`, client.CodeMalformedRequest},
		{"version 0", "p", `{"voter":"v-1","selections":["ann"],"if_version":0}`, client.CodeMalformedRequest},
		{"a version that is text", "p", `{"voter":"v-1","selections":["ann"],"if_version":"1"}`, client.CodeMalformedRequest},
		{"no UTF-8", "p", "{\"voter\":\"v-\xff\",\"selections\":[\"ann\"]}", client.CodeMalformedRequest},
		{"two kinds of choices", "p", `{"voter":"v-1","selections":["ann"],"scores":{"ann":1}}`, client.CodeInvalidBallot},
		{"a voter that cannot be seen", "p", `{"voter":" v-1","selections":["ann"]}`, client.CodeInvalidVoter},
		{"an empty voter", "p", `{"voter":"","selections":["ann"]}`, client.CodeInvalidVoter},
		{"a poll that is a path", "../polls", `{"voter":"v-1","selections":["ann"]}`, client.CodePollNotFound},
		{"no poll", "", `{"voter":"v-1","selections":["ann"]}`, client.CodePollNotFound},
		{"a byte too many", "p", fits + " ", client.CodePayloadTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, refused := read(&message{poll: c.poll, body: c.body})
			if refused == nil || refused.Code != c.code || refused.Detail == "" {
				t.Errorf("%v", refused)
			}
		})
	}
	if _, refused := read(&message{poll: "p", body: fits}); refused != nil {
		t.Errorf("%d bytes: %v", len(fits), refused)
	}
}

func TestAProblemIsProblemDetailsInOneLine(t *testing.T) {
	t.Parallel()
	got := string(problemOf(refuse(client.CodeInvalidVoter, "Leave \"%s\" out.\n", "it")))
	if want := `{"type":"/problems/invalid_voter","status":422,"detail":"Leave \"it\" out.\n","code":"invalid_voter"}`; got != want {
		t.Errorf("%s", got)
	}
	for name, c := range map[string]struct{ detail, want string }{
		"no UTF-8":           {"\xff", "\uFFFD"},
		"as long as it may":  {strings.Repeat("a", 1024), strings.Repeat("a", 1024)},
		"a byte longer":      {strings.Repeat("a", 1025), strings.Repeat("a", 1024) + "…"},
		"cut in a character": {strings.Repeat("a", 1023) + "é", strings.Repeat("a", 1023) + "\uFFFD…"},
	} {
		want := `{"type":"/problems/invalid_voter","status":422,"detail":"` + c.want + `","code":"invalid_voter"}`
		if got := string(problemOf(refuse(client.CodeInvalidVoter, "%s", c.detail))); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

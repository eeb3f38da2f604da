package api

import (
	"strings"
	"testing"
)

func TestEveryFaultNamesItsPlaceInOneNotation(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("ranked", `{"options":["a","b","c"],"method":"irv"}`)
	g.poll("scored", `{"options":["a","b","c.d"],"method":"score"}`)
	g.poll("p", twoOptions)
	long := strings.Repeat("x", 500)
	for _, c := range []struct{ method, path, body, place string }{
		{"PUT", "/v1/polls/ranked/ballots/v", `{"ranking":["b",null]}`, `ranking[1]`},
		{"PUT", "/v1/polls/ranked/ballots/v", `{"ranking":["b",["a",7]]}`, `ranking[1][1]`},
		{"PUT", "/v1/polls/ranked/ballots/v", `{"ranking":["b",["a","c"]]}`, `ranking[1]`},
		{"PUT", "/v1/polls/ranked/ballots/v", `{"ranking":["b","z"]}`, `ranking[1]`},
		{"PUT", "/v1/polls/p/ballots/v", `{"selections":["ann",{}]}`, `selections[1]`},
		{"PUT", "/v1/polls/p/ballots/v", `{"selections":["zoe"]}`, `selections[0]`},
		{"PUT", "/v1/polls/p/ballots/v", `{"selections":"ann"}`, `selections`},
		{"PUT", "/v1/polls/p/ballots/v", `{"a b":1}`, `[\"a b\"]`},
		{"PUT", "/v1/polls/scored/ballots/v", `{"scores":{"a":"5"}}`, `scores[\"a\"]`},
		{"PUT", "/v1/polls/scored/ballots/v", `{"scores":{"c.d":11}}`, `scores[\"c.d\"]`},
		{"PUT", "/v1/polls/scored/ballots/v", `{"scores":{"z":1}}`, `scores[\"z\"]`},
		{"PUT", "/v1/polls/new", `{"options":["a","b"],"colour":1}`, `colour`},
		{"PUT", "/v1/polls/new", `{"options":["a",{"id":"b","name":1}]}`, `options[1].name`},
		{"PUT", "/v1/polls/new", `{"options":["a",{"id":"b","id":"c"}]}`, `options[1].id`},
		{"PUT", "/v1/polls/new", `{"options":["a",{"id":5}]}`, `options[1].id`},
		{"PUT", "/v1/polls/new", `{"options":["a",{"7":5}]}`, `options[1][\"7\"]`},
		{"PUT", "/v1/polls/new", `{"options":["a",5]}`, `options[1]`},
		{"PUT", "/v1/polls/new", `{"options":["a","b"],"` + long + `":5}`, `[\"` + long[:64] + `…\"]`},
		{"PUT", "/v1/polls/new", `{"7":5}`, `[\"7\"]`},
		{"PUT", "/v1/polls/new", `{"title":5}`, `title`},
		{"PATCH", "/v1/polls/p", `{"title":5}`, `title`},
		{"PATCH", "/v1/polls/p", `{"options":[]}`, `options`},
		{"POST", "/v1/cluster/members", `{"id":5}`, `id`},
	} {
		a := g.do(c.method, c.path, c.body)
		if a.status < 400 || !strings.Contains(a.body, `"field":"`+c.place+`"`) {
			t.Errorf("%.80s: %d %s, want the place %s", c.body, a.status, a.body, c.place)
		}
	}
}

func TestAValueOfAnotherTypeIsToldWhichIsWanted(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for body, says := range map[string]string{
		`{"title":5}`:            `"title","detail":"It must be a string."`,
		`{"max_selections":"1"}`: `"max_selections","detail":"It must be a whole number that`,
		`{"max_ballots":-1}`:     `"max_ballots","detail":"It must be a whole number, 0 or more`,
		`{"options":"a"}`:        `"options","detail":"It must be an array."`,
		`{"options":[5]}`:        `"options[0]","detail":"It must be an option: its title`,
	} {
		g.do("PUT", "/v1/polls/p", body).want(400).code("malformed_request").holds(says)
	}
}

func TestOnlyWhatWasSentIsBlamed(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for body, blamed := range map[string]string{
		`{}`:                    "options",
		`{"options":["a"]}`:     "options",
		`{"method":"approval"}`: "options",
		`{"options":["a","b"],"max_selections":0}`:                 "max_selections",
		`{"options":["a","b"],"max_selections":-1}`:                "max_selections",
		`{"options":["a","b"],"method":"score","max_score":0}`:     "max_score",
		`{"options":["a","b"],"max_score":0}`:                      "max_score",
		`{"options":["a","b"],"max_ballots":18446744073709551615}`: "max_ballots",
		`{"options":["a","b"],"max_ballots":4294967295}`:           "max_ballots",
		`{"options":["a","b"],"quorum":5,"max_ballots":3}`:         "quorum",
		`{"options":["a","b"],"closes_at":"1970-01-01T00:00:00Z"}`: "closes_at",
	} {
		a := g.do("PUT", "/v1/polls/p", body).want(422).code("invalid_poll").holds(`"errors":[{"field":"` + blamed + `"`)
		if strings.Count(a.body, `"field"`) != 1 {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	g.do("PUT", "/v1/polls/p", `{"options":["a","b"],"quorum":3,"max_ballots":3}`).want(201)
	g.do("PUT", "/v1/polls/q", `{"options":["a","b"],"max_ballots":4294967294}`).want(201)
}

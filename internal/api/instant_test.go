package api

import "testing"

func TestATimeOfAnotherFormIsRefusedWithItsFieldAndTheForm(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	for _, at := range []string{
		`"2027-06-30T24:00:00Z"`, `"2027-06-30t20:00:00z"`, `"2027-06-30T20:00:60Z"`, `"2026-12-02T20:00:00"`, `"2026-12-02"`, `"soon"`,
		`"2027-06-30T20:00:00+24:00"`, `"2027-06-30T20:00:00-24:00"`, `"2027-06-30T20:00:00+00:60"`, `"2027-06-30T20:00:00.5+23:60"`,
		`"2027-06-30T7:00:00Z"`, `"2027-06-30T20:00:00,5Z"`,
		`""`, `5`, `true`, `[]`, `{"at":1}`,
	} {
		for _, field := range []string{"opens_at", "closes_at"} {
			says := `"errors":[{"field":"` + field + `","detail":"` + timeForm
			g.do("PUT", "/v1/polls/new", `{"options":["a","b"],"`+field+`":`+at+`}`).want(400).code("malformed_request").holds(says)
			g.do("PATCH", "/v1/polls/p", `{"`+field+`":`+at+`}`).want(400).code("malformed_request").holds(says)
		}
	}
}

func TestNoPollIsGivenATimeThatCannotBeShown(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.poll("p", twoOptions)
	for _, at := range []string{"9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999-00:01", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"} {
		for _, field := range []string{"opens_at", "closes_at"} {
			says := `"errors":[{"field":"` + field + `","detail":"It must lie after 1970`
			g.do("PUT", "/v1/polls/new", `{"options":["a","b"],"`+field+`":"`+at+`"}`).want(422).code("invalid_poll").holds(says)
			g.do("PATCH", "/v1/polls/p", `{"`+field+`":"`+at+`"}`).want(422).code("invalid_poll").holds(says)
		}
	}
	g.do("PATCH", "/v1/polls/p", `{"closes_at":"9999-12-31T23:59:59.999Z"}`).want(200).holds(`"closes_at":"9999-12-31T23:59:59.999Z"`)
	g.do("GET", "/v1/polls", "").want(200).holds(`"id":"p"`)
}

package api

import "testing"

func TestADefinitionSaysWhatIsShownOfItsBallots(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	// What is not the default is shown, and is another poll.
	g.do("PUT", "/v1/polls/p", `{"options":["ann","bo"],"receipt":"opened"}`).want(201).holds(`"receipt":"opened"`).lacks(`"disclosure"`)
	g.do("GET", "/v1/polls/p", "").want(200).holds(`"receipt":"opened"`)
	g.do("PUT", "/v1/polls/p", twoOptions).want(409).code("poll_exists")
	// Whoever discloses ballots cannot promise that receipts hide them.
	g.do("PUT", "/v1/polls/o", `{"options":["ann","bo"],"disclosure":"ballots"}`).want(201).holds(`"disclosure":"ballots"`).lacks(`"receipt"`)
	g.do("PUT", "/v1/polls/o", `{"options":["ann","bo"],"disclosure":"ballots","receipt":"opened"}`).want(200)
	// What is the default is not, and is the same poll as without.
	g.do("PUT", "/v1/polls/q", twoOptions).want(201).lacks(`"disclosure"`).lacks(`"receipt"`)
	g.do("PUT", "/v1/polls/q", `{"options":["ann","bo"],"disclosure":"profile","receipt":"counted"}`).want(200)
	g.do("PUT", "/v1/polls/r", `{"options":["ann","bo"],"secrecy":"open","disclosure":"ballots","receipt":"opened"}`).want(201).lacks(`"disclosure"`).lacks(`"receipt"`)
	// What cannot be is refused, with its field.
	for body, field := range map[string]string{
		`{"options":["ann","bo"],"disclosure":"all"}`:                         "disclosure",
		`{"options":["ann","bo"],"receipt":"none"}`:                           "receipt",
		`{"options":["ann","bo"],"disclosure":"ballots","receipt":"counted"}`: "receipt",
		`{"options":["ann","bo"],"secrecy":"open","disclosure":"profile"}`:    "disclosure",
		`{"options":["ann","bo"],"secrecy":"open","receipt":"counted"}`:       "receipt",
		`{"options":["ann","bo"],"secrecy":"hidden","disclosure":"profile"}`:  "secrecy",
	} {
		g.do("PUT", "/v1/polls/s", body).want(422).code("invalid_poll").holds(`"field":"` + field + `"`)
	}
}

package display

// TryThese shows requests to copy: a poll, a ballot, the same ballot again, and
// the results.
func TryThese(o *Output, url, poll, one, other string) {
	o.Linef("Try:")
	for _, line := range []string{
		`curl -X PUT ` + url + `/v1/polls/` + poll + ` -H 'Content-Type: application/json' \`,
		`     -d '{"options":["` + one + `","` + other + `"]}'`,
		`curl -X PUT ` + url + `/v1/polls/` + poll + `/ballots/ann -H 'Content-Type: application/json' \`,
		`     -d '{"selections":["` + one + `"]}'          # and again: the same receipt`,
		`curl ` + url + `/v1/polls/` + poll + `/results`,
		`voted results ` + poll + ` --watch --endpoint ` + url,
	} {
		o.Linef("  %s", o.Paint(Cyan, line))
	}
}

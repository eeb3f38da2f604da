package display

// TryThese shows requests to copy: a poll, a ballot, and the results.
func TryThese(o *Output, url, poll, one, other string) {
	o.Linef("Try (the ballot twice: the receipt is the same):")
	for _, line := range []string{
		`curl -X PUT --json '{"options":["` + one + `","` + other + `"]}' \`,
		`     ` + url + `/v1/polls/` + poll,
		`curl -X PUT --json '{"selections":["` + one + `"]}' \`,
		`     ` + url + `/v1/polls/` + poll + `/ballots/ann`,
		`curl ` + url + `/v1/polls/` + poll + `/results`,
		`voted results ` + poll + ` --watch --endpoint ` + url,
	} {
		o.Linef("  %s", o.Paint(Cyan, line))
	}
}

// Pages shows where people look: the pages of a node, and the page that kills the leader of a cluster which is there to
// be shown.
func Pages(o *Output, url, stage string) {
	o.Linef("In a browser:")
	for _, line := range [][2]string{{url + "/", "pages for people"}, {url + "/console", "the cluster, live"}, {stage + "/", "a button that kills the leader"}} {
		o.Linef("  %s  %s", o.Paint(Cyan, line[0]), line[1])
	}
}

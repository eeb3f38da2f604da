package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be counted is refused with a sentence that says where it is wrong and what to
// do, and nothing is printed as a result.
func TestWhatCannotBeCountedIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string { return write(t, filepath.Join(dir, name), content) }
	blt, cut := file("council.blt", smallCouncil), file("cut.blt", "3 1\n4 1 2 0\n3 2")
	manySeats := file("seats.blt", strings.Replace(smallCouncil, "3 1\n", "3 5\n", 1))
	shared := file("shared.csv", "ranking,count\nann=bo>cy,2\nbo>ann,3\n")
	strict := file("strict.json", `{"options":["ann","bo","cy"],"method":"stv","ballots":"strict"}`)
	heading := "# DATA TYPE: soi\n# NUMBER ALTERNATIVES: 2\n# NUMBER VOTERS: 5\n# ALTERNATIVE NAME 1: A\n# ALTERNATIVE NAME 2: B\n"
	for _, c := range []struct {
		name, line string
		says       []string
	}{
		{"a method that is not there", blt + " --method borderless", []string{`the method "borderless" is not known`, "choose one of plurality"}},
		{"a rule that the method does not know", blt + " --method stv --rule shape=round", []string{`The method stv has no rule "shape"`, "rule_set"}},
		{"a rule for a method without rules", file("a.csv", "selections\nann\nbo\n") + " --method plurality --rule until=two", []string{"The method plurality has no rules to set."}},
		{"a value that the rule does not know", blt + " --method stv --rule rule_set=irish", []string{`"irish" is not known`, "scottish"}},
		{"a rule that another rule set has", blt + " --method stv --rule quota=hare", []string{"scottish has a quota of its own", "rctab or exact"}},
		{"a rule without a value", blt + " --method stv --rule rule_set", []string{"no name and value", "until=two"}},
		{"a rule of 2^63", blt + " --method irv --rule max_skipped=9223372036854775808", []string{"max_skipped is a whole number"}},
		{"seats beyond the options", blt + " --method stv --seats 4", []string{"more seats than options: at most 3"}},
		{"seats beyond the options in the file", manySeats + " --method stv", []string{"more seats than options: at most 3"}},
		{"no seat", blt + " --method stv --seats 0", []string{"--seats must be 1 or more"}},
		{"fewer than no seats", blt + " --method stv --seats=-1", []string{"--seats must be 1 or more"}},
		{"shared ranks where the method takes none", shared + " --definition " + strict, []string{"2 ballots have options that share a rank", "stv", "as_marked"}},
		{"a lot with a missing option", blt + " --method irv --tie-break lot --rule lot=Ann,Bo", []string{"A lot names each option once."}},
		{"a lot with an option twice", blt + " --method irv --tie-break lot --rule lot=Ann,Bo,Bo", []string{"A lot names each option once."}},
		{"a lot with an option that is not there", blt + " --method irv --tie-break lot --rule lot=Ann,Bo,Zoe", []string{`"Zoe", which is no option; these are: Ann, Bo, cy-lo`}},
		{"a lot that no tie-break asks for", blt + " --method irv --rule lot=Ann,Bo,cy-lo", []string{"with --tie-break lot only"}},
		{"a BLT that is cut short", cut, []string{"line 3", "take a whole copy"}},
		{"NDJSON that is cut short", file("cut.ndjson", `{"ranking":["ann"]}`+"\n"+`{"ranking":["bo",`), []string{"line 2: column 18", "take a whole copy"}},
		{"PrefLib that is cut short", file("cut.soi", heading+"3: 1,2\n"), []string{"says 5 voters, and these are 3"}},
		{"cast vote records that are cut short", file("cut.json", `{"@type":"CVR.CastVoteRecordReport","Version":"1.0.0","Election":[`), []string{"line 1: column 67", "take a whole copy"}},
		{"a file of another format", file("page.html", "<html><body>no</body></html>"), []string{"no file of ballots that is known", "--from"}},
		{"a file of another format than is said", blt + " --from csv", []string{"line 1", "name the columns"}},
		{"an archive", file("word.docx", "PK\x03\x04\x00\x01"), []string{"save the sheet as CSV"}},
		{"2^63 in CSV", file("huge.csv", "ranking,count\nann>bo,2\nbo,9223372036854775808\n"), []string{"line 3: column 4", "more ballots than can be counted"}},
		{"2^63 in NDJSON", file("huge.ndjson", `{"ranking":["ann","bo"],"count":9223372036854775808}`), []string{"line 1: column 52", "more ballots than can be counted"}},
		{"2^63 in BLT", file("huge.blt", "2 1\n9223372036854775808 1 2 0\n0\n\"A\"\n\"B\"\n\"T\"\n"), []string{"line 2: column 1", "more ballots than can be counted"}},
		{"2^63 in PrefLib", file("huge.soi", heading+"9223372036854775808: 1,2\n"), []string{"line 6: column 1", "more ballots than can be counted"}},
		{"2^63 in ABIF", file("huge.abif", "5:A>B\n9223372036854775808:B>A\n"), []string{"line 2: column 1", "more ballots than can be counted"}},
		{"an option twice in PrefLib", file("twice.soi", heading+"5: 1,1\n"), []string{"line 6: column 6", "stands twice"}},
		{"an option twice among choices", file("twice.csv", "selections,count\na;a,2\nb,1\n"), []string{"line 2: column 1", "stands there twice"}},
		{"an option twice among scores", file("scores.csv", "scores,count\na=5;a=3,2\n"), []string{"line 2: column 5", "has points twice"}},
		{"a candidate that is not there", file("four.blt", "3 1\n2 1 4 0\n0\n\"A\"\n\"B\"\n\"C\"\n\"T\"\n"), []string{"line 2: column 5", `"4" is no candidate`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := voted(append([]string{"tally"}, strings.Fields(c.line)...)...)
			if got.code != 2 || got.out != "" {
				t.Errorf("exit code %d, and it prints %q", got.code, got.out)
			}
			for _, says := range c.says {
				if !strings.Contains(got.errout, says) {
					t.Errorf("it does not say %q:\n%s", says, got.errout)
				}
			}
		})
	}
}

// A definition that is wrong makes no poll, and the sentence says which field is.
func TestAPollThatCannotBeCountedIsNotCreated(t *testing.T) {
	t.Parallel()
	endpoints := startCluster(t, 1, "").Endpoints()
	const create = "poll create council ann bo cy "
	follow(t, endpoints, []step{
		{create + "--method borderless", 1, []string{"method", "plurality, approval"}},
		{create + "--method stv --rule shape=round", 1, []string{`no rule "shape"`, "rule_set"}},
		{create + "--rule until=two", 1, []string{"The method plurality has no rules to set."}},
		{create + "--method stv --rule rule_set=irish", 1, []string{`"irish" is not known`, "scottish"}},
		{create + "--method stv --rule quota=hare", 1, []string{"scottish has a quota of its own"}},
		{create + "--method stv --rule write_in=cy", 1, []string{"scottish has no rule for write-ins"}},
		{create + "--method stv --rule rule_set=rctab --rule write_in=zoe", 1, []string{"zoe"}},
		{create + "--method irv --rule max_skipped=few", 2, []string{"max_skipped is a whole number"}},
		{create + "--method irv --rule until", 2, []string{"no name and value"}},
		{create + "--method stv --seats 4", 1, []string{"at most 3"}},
		{create + "--method irv --seats 2", 1, []string{"The method irv elects one option."}},
		{create + "--method stv --seats 0", 2, []string{"--seats must be 1 or more"}},
		{create + "--method irv --tie-break dice", 1, []string{"listed, lot, report"}},
		{create + "--method irv --tie-break lot --rule lot=ann,bo", 1, []string{"A lot names each option once."}},
		{create + "--method irv --tie-break lot --rule lot=ann,bo,bo", 1, []string{"lot"}},
		{create + "--method irv --tie-break lot --rule lot=ann,bo,zoe", 1, []string{"zoe"}},
		{create + "--method irv --rule lot=ann,bo,cy", 1, []string{"lot"}},
		{"poll show council", 1, []string{"no such poll"}},
		{create + "--method stv --rule rule_set=rctab --rule write_in=cy --rule quota= --tie-break lot --rule lot=ann,bo,cy", 0, []string{"write_in", "rctab"}},
	})
}

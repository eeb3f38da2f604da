package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"voted/internal/tally"
)

// Two options are equal to the end. By every method, whatever decides, the result says who
// was equal, what decided, and who else could have won: in JSON, in the table and in the
// report, in the same words.
func TestEveryMethodSaysHowATieWasDecided(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[tally.Form]string{
		tally.Choice:  write(t, filepath.Join(dir, "choices.csv"), "selections,count\nann,2\nbo,2\ncy,1\n"),
		tally.Ranking: write(t, filepath.Join(dir, "rankings.csv"), "ranking,count\nann>bo,2\nbo>ann,2\n"),
		tally.Scores:  write(t, filepath.Join(dir, "scores.csv"), "scores,count\nann=5;bo=1,2\nbo=5;ann=1,2\n"),
	}
	for _, name := range tally.Names() {
		m, _ := tally.ByName(name)
		for _, c := range []struct {
			name     string
			command  tallyCommand
			steps    []string // one of them is the last step
			others   string
			said     []string // one of them is in the table and in the report
			andElse  string
			winnerIs string
		}{
			{"listed", tallyCommand{TieBreak: "listed"}, []string{"listed"}, "bo", []string{"; the order of the options decided, and "}, "With another order of the options bo could have won.", "ann"},
			{"a lot", tallyCommand{TieBreak: "lot", Rule: []string{"lot=bo,ann"}}, []string{"lot"}, "ann", []string{"; the lot decided, and "}, "With another lot ann could have won.", "bo"},
			{"a lot that is not drawn", tallyCommand{TieBreak: "lot"}, []string{"open"}, "", []string{", and nothing has decided "}, "", ""},
			{"report", tallyCommand{TieBreak: "report"}, []string{"report", "open"}, "", []string{"It is reported, not broken.", ", and nothing has decided "}, "", ""},
		} {
			t.Run(name+": "+c.name, func(t *testing.T) {
				t.Parallel()
				if c.command.TieBreak == "lot" && m.Form == tally.Choice && len(c.command.Rule) > 0 {
					c.command.Rule = []string{"lot=bo,ann,cy"}
				}
				c.command.File, c.command.Method = files[m.Form], name
				inJSON := c.command
				inJSON.JSON = true
				printed := carriedOut(t, &inJSON)
				o := object(t, printed)
				ties, _ := o["ties"].([]any)
				if len(ties) == 0 {
					t.Fatalf("no tie is named: %s", printed)
				}
				tie := ties[len(ties)-1].(map[string]any)
				if step := tie["step"].(string); !slices.Contains(c.steps, step) || !slices.Equal(tie["options"].([]any), []any{"ann", "bo"}) {
					t.Errorf("the last step is %v", tie)
				}
				if c.others != "" && (!slices.Equal(o["other_orders_elect"].([]any), []any{c.others}) || !slices.Equal(o["winners"].([]any), []any{c.winnerIs})) {
					t.Errorf("%v won, and others could have: %v", o["winners"], o["other_orders_elect"])
				}
				for _, report := range []bool{false, true} {
					c.command.Report = report
					shown := carriedOut(t, &c.command)
					text := strings.Join(strings.Fields(shown), " ")
					if !slices.ContainsFunc(c.said, func(s string) bool { return strings.Contains(text, s) }) || !strings.Contains(text, c.andElse) || strings.Contains(text, "step ") {
						t.Errorf("it is not said how the tie was decided (in the report: %v):\n%s", report, shown)
					}
				}
			})
		}
	}
}

package client

import (
	"encoding/json"
	"testing"
)

func TestABallotInJSONIsReadAsStrictlyAsTheServiceReadsIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"selections":["ann"]}`:                     `{"selections":["ann"]}`,
		`{"selections":[]}`:                          `{"selections":[]}`,
		`{"ranking":["bo",["ann","cy"]]}`:            `{"ranking":["bo",["ann","cy"]]}`,
		`{"scores":{"bo":0,"ann":5}}`:                `{"scores":{"ann":5,"bo":0}}`,
		`{"selection":["ann"]}`:                      "",
		`{"SELECTIONS":["ann"]}`:                     "",
		`{"selections":["ann"],"if_verison":1}`:      "",
		`{"selections":["ann"],"selections":["bo"]}`: "",
		`{"scores":{"ann":5,"ann":1}}`:               "",
		`{"selections":["ann"],"ranking":["bo"]}`:    "",
		`{"selections":null}`:                        "",
		`{}`:                                         "",
		`{"ranking":["bo",null,"ann"]}`:              `{"ranking":["bo",null,"ann"]}`,
		`{"ranking":["bo",[]]}`:                      "",
		`{"scores":{"ann":2.5}}`:                     "",
		"{\"selections\":[\"zo\xeb\"]}":              "",
	} {
		var b Ballot
		err := json.Unmarshal([]byte(text), &b)
		if want == "" {
			if err == nil {
				t.Errorf("%s is read as %+v", text, b)
			}
			continue
		}
		if got, wrong := json.Marshal(b); err != nil || wrong != nil || string(got) != want {
			t.Errorf("%s is read and written as %s, %v, %v", text, got, err, wrong)
		}
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Both bridges read one file of variables.
func TestEveryVariableOfTheUnitIsAFlagOfBothCommands(t *testing.T) {
	t.Parallel()
	variables, checked := regexp.MustCompile(`(?m)\bVOTED_BRIDGE_[A-Z_]+=`), 0
	for _, command := range []string{"ballots", "feed"} {
		var help, complaint bytes.Buffer
		if code := run([]string{command, "--help"}, &help, &complaint); code != 0 {
			t.Fatalf("%s --help ends with %d: %s", command, code, complaint.String())
		}
		for _, file := range []string{"voted-bridge.env", "voted-bridge@.service"} {
			text, err := os.ReadFile(filepath.Join("../../../deploy/systemd", file))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range variables.FindAllString(string(text), -1) {
				name = strings.TrimSuffix(name, "=")
				if checked++; !strings.Contains(help.String(), "$"+name+")") {
					t.Errorf("%s sets %s, which is no flag of voted-bridge %s", file, name, command)
				}
			}
		}
	}
	if checked < 12 {
		t.Errorf("only %d variables were found", checked)
	}
}

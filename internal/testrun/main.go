// Command testrun is go test for CI: it shows what go test shows, and fails where a test
// was skipped. A test that is skipped proves nothing, and no one reads that it was.
//
//	go run ./internal/testrun ./...
package main

import (
	"fmt"
	"os"
	"os/exec"
)

// elsewhere are the tests that a plain run skips, and where they run instead.
var elsewhere = map[string]string{
	"voted/internal/simtest.TestTheFloorsOfTheSimulationAreReached": "make sim-floor",
	"voted/internal/localcluster.TestParentProcess":                 "in a process that TestNodesDieWithTheirParent starts",
	"voted/loadtest/netns.TestParentProcess":                        "in a process that TestTheKernelTidiesUpAfterAKilledProcess starts",
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	test := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	test.Stderr = os.Stderr
	events, err := test.StdoutPipe()
	if err == nil {
		err = test.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		return 1
	}
	skipped, err := show(events, os.Stdout)
	if failed := test.Wait(); failed != nil || err != nil {
		fmt.Fprintln(os.Stderr, "testrun: go test:", failed, err)
		return 1
	}
	return judge(skipped, os.Stderr)
}

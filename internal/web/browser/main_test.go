package browser

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if installed() == "" && !required() {
		fmt.Fprintln(os.Stderr, "NO BROWSER: tests that need one are skipped. Install Debian's chromium to run them.")
	}
	defer leave()
	defer Stop()
	return m.Run()
}

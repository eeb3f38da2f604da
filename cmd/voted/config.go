package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

// configuration is a --config file: a JSON object from the names of flags,
// without dashes before them, to their values.
type configuration map[string]any

// envPrefix begins the variables that stand for flags.
const envPrefix = "VOTED_"

// dropEmpty takes a variable that is empty for one that is not set: files for containers
// can leave a flag out in no other way.
func dropEmpty() {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, envPrefix) {
			_ = os.Unsetenv(name) // it was there
		}
	}
}

// configFile reads the file.
func configFile(r io.Reader) (kong.Resolver, error) {
	c := configuration{}
	d := json.NewDecoder(r)
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("it must be a JSON object such as {\"log-level\":\"warn\"}: %w", err)
	}
	return c, nil
}

// Validate refuses keys that are the name of no flag: a misspelt one would
// otherwise be ignored.
func (c configuration) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	var unknown []string
	for key := range c {
		if !known[flagName(key)] {
			unknown = append(unknown, fmt.Sprintf("%q", key))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("the configuration file has %s, which is no flag of any command", strings.Join(unknown, ", "))
}

// Resolve gives a flag its value from the file, unless the environment has one.
func (c configuration) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	for key, value := range c {
		if flagName(key) == flag.Name {
			return value, nil
		}
	}
	return nil, nil
}

// flagName allows snake_case, which reads better in JSON.
func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// configuration is a --config file: a JSON object from the names of flags,
// without dashes before them, to their values.
type configuration struct {
	file   string
	values map[string]any // by the name of the flag
}

// configFile reads the file. Its errors name the file, and the key in it that is wrong.
func configFile(r io.Reader) (kong.Resolver, error) {
	c := configuration{file: "the configuration file", values: map[string]any{}}
	if f, ok := r.(*os.File); ok {
		c.file = f.Name()
	}
	var read map[string]any
	if err := json.UnmarshalRead(r, &read); err != nil {
		var broken *jsontext.SyntacticError
		if errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &broken) {
			return nil, fmt.Errorf("%s: the name %q stands twice; keep one", c.file, broken.JSONPointer.LastToken())
		}
		return nil, fmt.Errorf("%s: it must be a JSON object such as {\"log-level\":\"warn\"}: %w", c.file, err)
	}
	for key, value := range read {
		name := flagName(key)
		if _, twice := c.values[name]; twice {
			return nil, fmt.Errorf("%s: the flag --%s stands twice, with a dash and with an underscore; keep one", c.file, name)
		}
		switch value := value.(type) {
		case map[string]any, nil:
			return nil, fmt.Errorf("%s: the value of %q must be a string, a number, true, false or a list", c.file, key)
		default:
			c.values[name] = value
		}
	}
	return c, nil
}

// Validate refuses keys that are not the name of a flag: a misspelt one would otherwise
// be ignored.
func (c configuration) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	var unknown []string
	for name := range c.values {
		if !known[name] {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("%s: it has %s, which is no flag of any command", c.file, strings.Join(unknown, ", "))
}

// Resolve gives a flag its value from the file, unless the environment has one.
func (c configuration) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	value := c.values[flag.Name]
	list, ok := value.([]any)
	if !ok {
		return asTyped(value), nil
	}
	parts := make([]string, len(list))
	for i, part := range list {
		s, ok := part.(string)
		if !ok {
			return nil, fmt.Errorf("%s: the list of %q must hold strings", c.file, flag.Name)
		}
		parts[i] = s
	}
	if flag.IsSlice() {
		return value, nil
	}
	// For a flag of one string, such as --cluster, a list is joined with commas.
	return strings.Join(parts, ","), nil
}

// asTyped writes a value as on the command line, so that each flag's own parser refuses
// what it does not take.
func asTyped(value any) any {
	switch v := value.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return value
}

// flagName turns snake_case, which is usual in JSON, into the name of a flag.
func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

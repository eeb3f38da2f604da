package client

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkText refuses a value that holds a string that is not UTF-8. encoding/json would
// replace each bad byte by U+FFFD and so make different strings equal.
func checkText(v any) error {
	if place, bad := badText(reflect.ValueOf(v)); bad {
		return refused(CodeMalformedRequest, "%s is not UTF-8; write it in UTF-8", place)
	}
	return nil
}

// badText returns the place of the first string that is not UTF-8, as a path in the
// JSON: options[1].title.
func badText(v reflect.Value) (place string, bad bool) {
	switch v.Kind() {
	case reflect.String:
		return "", !utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return badText(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return "", false // bytes become base64
		}
		for i := range v.Len() {
			if inner, bad := badText(v.Index(i)); bad {
				return "[" + strconv.Itoa(i) + "]" + dotted(inner), true
			}
		}
	case reflect.Map:
		for of := v.MapRange(); of.Next(); {
			if _, bad := badText(of.Key()); bad {
				return "a name", true
			}
			if inner, bad := badText(of.Value()); bad {
				return of.Key().String() + dotted(inner), true
			}
		}
	case reflect.Struct:
		for f, field := range v.Fields() {
			if !f.IsExported() {
				continue
			}
			if inner, bad := badText(field); bad {
				return nameOf(f) + dotted(inner), true
			}
		}
	}
	return "", false
}

// nameOf returns the JSON name of a field.
func nameOf(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
		return name
	}
	return strings.ToLower(f.Name)
}

// dotted puts a dot before the name of an inner place.
func dotted(place string) string {
	if place == "" || place[0] == '[' {
		return place
	}
	return "." + place
}

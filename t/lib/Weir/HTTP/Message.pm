# SPDX-License-Identifier: BSD-2-Clause
#
# A response or a request as it was read from the wire.  Asking for what is not
# there gives undef or an empty list, so that a test may compare without care.

package Weir::HTTP::Message;

use strict;
use warnings;

sub new {
    return bless {
        raw => '', body => '', fields => [], trailers => [], chunks => [],
        interim => [], complete => 1, status => 0, line => '',
    }, $_[0];
}

# Takes the head: the first line and the fields, to the empty line.
sub parse_head {
    my ($m, $head) = @_;

    $m->{head} = $head;
    $m->{raw} = $head;
    my ($line, $rest) = split /\r?\n/, $head, 2;
    $m->{line} = $line;
    if ($line =~ m{^HTTP/([\d.]+) (\d{3})(?: (.*))?$}) {
        @$m{qw(version status reason)} = ($1, $2, $3 // '');
    } elsif ($line =~ m{^(\S+) (.*?)(?: HTTP/([\d.]+))?$}) {
        @$m{qw(method uri version)} = ($1, $2, $3 // '0.9');
    }
    $m->{fields} = parse_fields($rest);
}

# parse_fields($text): [[name, value], ...]; a function.
sub parse_fields {
    my ($text) = @_;

    return [ map { /^([^:]*):[ \t]*(.*?)[ \t]*$/s ? [$1, $2] : [$_, undef] }
             grep { length } split /\r?\n/, $text ];
}

sub status   { return $_[0]{status} }       # 0: there was no response
sub reason   { return $_[0]{reason} }
sub version  { return $_[0]{version} }      # '1.1'
sub line     { return $_[0]{line} }         # the first line
sub head     { return $_[0]{head} }         # all before the body, with CRLFs
sub body     { return $_[0]{body} }         # without its chunks' frames
sub raw      { return $_[0]{raw} }          # every byte
sub chunks   { return $_[0]{chunks} }       # sizes of the chunks
sub interim  { return @{ $_[0]{interim} } } # 1xx messages before it
sub complete { return $_[0]{complete} }     # nothing of it is missing
sub method   { return $_[0]{method} }       # of a request
sub uri      { return $_[0]{uri} }          # of a request
sub conn     { return $_[0]{conn} }         # of a recorded request: which
                                            # connection, counted from 1

# header($name): the first field of that name, whatever the case.
sub header {
    my ($m, $name) = @_;

    return ($m->headers($name))[0];
}

# headers($name): the values of all fields of that name.
sub headers {
    my ($m, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $m->{fields} };
}

# names(): the names of the fields, as they were written, in order.
sub names { return map { $_->[0] } @{ $_[0]{fields} } }

# trailer($name): the first trailer of that name.
sub trailer {
    my ($m, $name) = @_;
    my ($found) = grep { lc $_->[0] eq lc $name } @{ $m->{trailers} };

    return $found && $found->[1];
}

1;

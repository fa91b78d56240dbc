# SPDX-License-Identifier: BSD-2-Clause
#
# add_header_inherit and add_trailer_inherit: whether an inner level's fields
# take the place of the outer ones (on), stand with them (merge), or alone,
# with nothing from outside even where the level has none (off).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_version('1.29.3');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%HTTP%%
    add_header X-A http;
    add_trailer T-A http;
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-B server;
        add_header_inherit merge;
        add_trailer T-B server;
        location /none { return 200 x; }
        location /own { add_header X-C location; return 200 x; }
        location /on { add_header X-C location; add_header_inherit on; return 200 x; }
        location /off { add_header_inherit off; return 200 x; }
        location /off/own { add_header_inherit off; add_header X-C location; return 200 x; }
        location /same { add_header X-A location; return 200 x; }
        location /always { add_header X-C location always; return 404; }
        location /inner {
            add_header X-C location;
            location /inner/deep { add_header X-D deep; return 200 x; }
            location /inner/off { add_header_inherit off; return 200 x; }
            location /inner/off/deep { add_header X-D deep; return 200 x; }
        }
        location /if {
            add_header X-C location;
            if ($arg_x) { add_header X-E if; return 200 x; }
            if ($arg_off) { add_header_inherit off; return 200 x; }
            return 200 x;
        }
        location /trailers/merge {
            add_trailer T-C location;
            add_trailer_inherit merge;
            return 200 x;
        }
        location /trailers/on { add_trailer T-C location; return 200 x; }
        location /trailers/off { add_trailer_inherit off; return 200 x; }
        location /trailers/none { return 200 x; }
    }
}
EOC

# fields($uri): "A=http B=server", in the order of their names.
sub fields {
    my ($uri) = @_;
    my $r = $t->get($uri);

    return join ' ', map { my ($name) = /X-(\w)/; "$name=" . join '+',
        $r->headers($_) } grep { defined $r->header($_) }
        map { "X-$_" } 'A' .. 'E';
}

sub trailers {
    my ($uri) = @_;
    my $r = $t->get($uri, version => '1.1', headers => [ TE => 'trailers' ]);

    return join ' ', map { "$_=" . $r->trailer("T-$_") }
        grep { defined $r->trailer("T-$_") } 'A' .. 'C';
}

is fields('/none'), 'A=http B=server', 'merge with the level outside';
is fields('/own'), 'A=http B=server C=location', 'merge is inherited';
is fields('/on'), 'C=location', 'on: own fields only';
is fields('/off'), '', 'off: nothing';
is fields('/off/own'), 'C=location', 'off: but what stands here';
is fields('/same'), 'A=location+http B=server', 'the same name twice';
is fields('/always'), 'C=location', 'always is of each field';
is fields('/inner/deep'), 'A=http B=server C=location D=deep', 'three levels';
is fields('/inner/off'), '', 'off in an inner location';
is fields('/inner/off/deep'), 'A=http B=server C=location D=deep',
    'a location beside it is not concerned';
is fields('/if?x=1'), 'A=http B=server C=location E=if', 'if';
is fields('/if?off=1'), '', 'off in if';
is trailers('/trailers/none'), 'B=server', 'trailers: own of the server';
is trailers('/trailers/merge'), 'B=server C=location', 'trailers: merge';
is trailers('/trailers/on'), 'C=location', 'trailers: on';
is trailers('/trailers/off'), '', 'trailers: off';

for my $name (qw(add_header_inherit add_trailer_inherit)) {
    is conf_test("events {} http { $name maybe; }")->{first},
        "invalid value \"maybe\" in F:1", "$name: invalid value";
    is conf_test("events {} http { $name on; $name off; }")->{first},
        "\"$name\" directive is duplicate in F:1", "$name: duplicate";
}

done_testing;

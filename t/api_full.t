# SPDX-License-Identifier: BSD-2-Clause
#
# status_zone: there are 512 places for counts; who gets none is not counted, and
# that is logged once for all workers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

# each takes a place for itself, and one for its status code
use constant ZONES => 300;

my $t = Weir::Test->new;
my $locations = join "\n", map { "location = /$_ { status_zone z$_; return 204; }" } 1 .. ZONES;
$t->expect_log(qr/is not counted/);
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; $locations location /api { api; } }
}
EOC

is scalar(grep { $t->get("/$_")->status != 204 } 1 .. ZONES), 0, 'all answer';
my $zones = decode_json($t->get('/api/9/http/location_zones')->body);
is scalar(grep { $_->{requests} == 1 } values %$zones), 256, 'half of the places are for zones';
is scalar(() = join("\n", $t->log) =~ /\[warn\].*"z257" is not counted: all 512 places for counts are taken/g),
    1, 'that is logged ...';
is scalar(() = join("\n", $t->log) =~ /is not counted/g), 1, '... once';

done_testing;

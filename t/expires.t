# SPDX-License-Identifier: BSD-2-Clause
#
# expires: Expires and Cache-Control.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(mktime strftime);
use Weir::Test;

my $t = Weir::Test->new;
my $then = 1700000000;
$t->write('html/f', 'x', mtime => $then);
$t->run(<<'EOC');
%%HTTP%%
    map $arg_e $chosen { default off; day 1d; ep epoch; m max; neg -5; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /hour/ { alias %%TESTDIR%%/html/; expires 1h; }
        location /past/ { alias %%TESTDIR%%/html/; expires -1; }
        location /epoch/ { alias %%TESTDIR%%/html/; expires epoch; }
        location /max/ { alias %%TESTDIR%%/html/; expires max; }
        location /zero/ { alias %%TESTDIR%%/html/; expires 0; }
        location /off/ { alias %%TESTDIR%%/html/; expires off; }
        location /modified/ { alias %%TESTDIR%%/html/; expires modified 1d; }
        location /time/ { alias %%TESTDIR%%/html/; expires @15h30m; }
        location /var/ { alias %%TESTDIR%%/html/; expires $chosen; }
        location /code { expires 1h; return 404; }
        location /redirect { expires 1h; return 302 /x; }
        location /outer/ { expires 1h;
            location /outer/in/ { alias %%TESTDIR%%/html/; }
            location /outer/off/ { alias %%TESTDIR%%/html/; expires off; } }
        location /both/ { alias %%TESTDIR%%/html/; expires 1h;
                          add_header Cache-Control private; }
    }
}
EOC

sub stamp { return strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $_[0]) }

# near($value, $seconds, $name): a date that far from now.
sub near {
    my ($value, $seconds, $name) = @_;

    ok scalar(grep { ($value // '') eq stamp(time + $seconds + $_) } -3 .. 3),
        $name or diag $value // 'none';
}

my $r = $t->get('/hour/f');
near($r->header('Expires'), 3600, 'an hour: Expires');
is $r->header('Cache-Control'), 'max-age=3600', 'an hour: Cache-Control';
$r = $t->get('/past/f');
near($r->header('Expires'), -1, 'negative: Expires');
is $r->header('Cache-Control'), 'no-cache', 'negative: Cache-Control';
$r = $t->get('/epoch/f');
is $r->header('Expires'), 'Thu, 01 Jan 1970 00:00:01 GMT', 'epoch: Expires';
is $r->header('Cache-Control'), 'no-cache', 'epoch: Cache-Control';
$r = $t->get('/max/f');
is $r->header('Expires'), 'Thu, 31 Dec 2037 23:55:55 GMT', 'max: Expires';
is $r->header('Cache-Control'), 'max-age=315360000', 'max: Cache-Control';
$r = $t->get('/zero/f');
near($r->header('Expires'), 0, 'zero: Expires');
is $r->header('Cache-Control'), 'max-age=0', 'zero: Cache-Control';
$r = $t->get('/off/f');
is $r->header('Expires'), undef, 'off: Expires';
is $r->header('Cache-Control'), undef, 'off: Cache-Control';
$r = $t->get('/modified/f');
is $r->header('Expires'), stamp($then + 86400), 'modified: Expires';
is $r->header('Cache-Control'), 'no-cache', 'modified, past: Cache-Control';
$r = $t->get('/time/f');
like $r->header('Expires'), qr/ \d\d:30:00 GMT$/, 'time of day: Expires';
like $r->header('Cache-Control'), qr/^max-age=\d+$/,
    'time of day: Cache-Control';
is $t->get('/var/f?e=day')->header('Cache-Control'), 'max-age=86400',
    'a variable: time';
is $t->get('/var/f?e=ep')->header('Cache-Control'), 'no-cache',
    'a variable: epoch';
is $t->get('/var/f?e=m')->header('Cache-Control'), 'max-age=315360000',
    'a variable: max';
is $t->get('/var/f?e=neg')->header('Cache-Control'), 'no-cache',
    'a variable: negative';
is $t->get('/var/f')->header('Cache-Control'), undef, 'a variable: off';
is $t->get('/code')->header('Expires'), undef, 'not with 404';
is $t->get('/redirect')->header('Cache-Control'), 'max-age=3600', 'with 302';
is $t->get('/outer/in/f')->header('Cache-Control'), 'max-age=3600',
    'inherited';
is $t->get('/outer/off/f')->header('Cache-Control'), undef,
    'off in a nested location';
is_deeply [$t->get('/both/f')->headers('Cache-Control')],
    ['max-age=3600', 'private'], 'beside add_header';

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# geo and split_clients.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_geo', 'http_split_clients');

my $t = Weir::Test->new;
$t->write('geo.inc', "10.3.0.0/16 included;\n");
$t->write('ranges.inc', "20.3.0.0-20.3.0.255 included;\n");
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    geo $client { default none; 127.0.0.0/8 loop; 127.0.0.1 one; }
    geo $arg_ip $net {
        default        none;
        10.0.0.0/8     ten;
        10.1.0.0/16    "ten one";
        10.1.2.3       host;
        10.2.0.0/16    gone;
        delete         10.2.0.0/16;
        include        %%TESTDIR%%/geo.inc;
        0.0.0.0/1      lower;
        2001:db8::/32  doc;
        2001:db8:1::/48 "doc one";
        ::1            six;
    }
    geo $arg_ip $nodefault { 10.0.0.0/8 ten; }
    geo $arg_ip $range {
        ranges;
        default                  none;
        20.0.0.0-20.0.0.255      first;
        20.0.0.100-20.0.0.110    inner;
        20.1.0.1-20.1.0.1        single;
        20.2.0.5-20.2.3.77       odd;
        include                  %%TESTDIR%%/ranges.inc;
        255.255.255.250-255.255.255.254  last;
    }
    geo $through { proxy 127.0.0.0/8; proxy 10.0.0.0/8; default none;
                   10.0.0.0/8 ten; 20.0.0.0/8 twenty; 30.0.0.0/8 thirty; }
    geo $recursive { proxy 127.0.0.0/8; proxy 10.0.0.0/8; proxy_recursive;
                     default none; 10.0.0.0/8 ten; 20.0.0.0/8 twenty; }
    split_clients "$arg_s" $half { 50% one; * two; }
    split_clients "$arg_s" $parts { 10.5% a; 0.5% b; 30% c; * ""; }
    split_clients "$arg_s" $points { 5.% a; .5% b; * c; }
    split_clients "$arg_s" $some { 20% yes; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /client { return 200 $client; }
        location /net { return 200 $net; }
        location /nodefault { return 200 "[$nodefault]"; }
        location /range { return 200 $range; }
        location /through { return 200 "$through $recursive"; }
        location /half { return 200 $half; }
        location /parts { return 200 "[$parts]"; }
        location /points { return 200 $points; }
        location /some { return 200 "[$some]"; }
    }
}
EOC

$t->answers(
    '/client'                 => 'one',
    '/net?ip=10.9.9.9'        => 'ten',
    '/net?ip=10.1.9.9'        => 'ten one',
    '/net?ip=10.1.2.3'        => 'host',
    '/net?ip=10.2.1.1'        => 'ten',
    '/net?ip=10.3.1.1'        => 'included',
    '/net?ip=127.255.0.1'     => 'lower',
    '/net?ip=128.0.0.1'       => 'none',
    '/net?ip=2001:db8:2::1'   => 'doc',
    '/net?ip=2001:db8:1::1'   => 'doc one',
    '/net?ip=::1'             => 'six',
    '/net?ip=::2'             => 'none',
    '/net?ip=::ffff:10.1.2.3' => 'host',
    '/net?ip=nonsense'        => 'none',
    '/net'                    => 'none',
    '/nodefault?ip=10.1.1.1'  => '[ten]',
    '/nodefault?ip=11.1.1.1'  => '[]',
    '/range?ip=20.0.0.0'      => 'first',
    '/range?ip=20.0.0.255'    => 'first',
    '/range?ip=20.0.1.0'      => 'none',
    '/range?ip=20.0.0.99'     => 'first',
    '/range?ip=20.0.0.100'    => 'inner',
    '/range?ip=20.0.0.110'    => 'inner',
    '/range?ip=20.0.0.111'    => 'first',
    '/range?ip=20.1.0.1'      => 'single',
    '/range?ip=20.1.0.2'      => 'none',
    '/range?ip=20.2.0.4'      => 'none',
    '/range?ip=20.2.0.5'      => 'odd',
    '/range?ip=20.2.2.1'      => 'odd',
    '/range?ip=20.2.3.77'     => 'odd',
    '/range?ip=20.2.3.78'     => 'none',
    '/range?ip=20.3.0.9'      => 'included',
    '/range?ip=255.255.255.254' => 'last',
    '/range?ip=nonsense'      => 'none',
    '/half?s=a'               => 'two',
    '/half?s=bb'              => 'one',
    '/half?s=ccc'             => 'two',
    '/half?s='                => 'one',
    '/half'                   => 'one',
);

sub through {
    my (@fields) = @_;
    return $t->get('/through', headers =>
        [map { ('X-Forwarded-For' => $_) } @fields])->body;
}

is through(), 'none none', 'proxy: no field';
is through('20.0.0.1'), 'twenty twenty', 'proxy: one address';
is through('30.0.0.1, 20.0.0.1'), 'twenty twenty', 'proxy: the last one';
is through('20.0.0.1, 10.0.0.1'), 'ten twenty', 'proxy: through a trusted one';
is through('20.0.0.1', '10.0.0.1'), 'ten twenty', 'proxy: two fields';
is through('20.0.0.1,10.0.0.1,10.0.0.2'), 'ten twenty', 'proxy: two trusted';
is through('20.0.0.1:99'), 'twenty twenty', 'proxy: with a port';
is through('unknown'), 'none none', 'proxy: no address';

# The shares of many values: known for each, and near what was asked for.
my %count;
my $c = $t->connect;
for my $i (1 .. 400) {
    $c = $t->connect if $i % 100 == 0;
    $count{ $c->get("/parts?s=client$i")->body }++;
}
is_deeply \%count, { '[a]' => 44, '[b]' => 2, '[c]' => 114, '[]' => 240 },
    'split_clients: shares' or diag explain \%count;
is $t->get('/some?s=bb')->body . $t->get('/some?s=zz')->body, '[yes][]',
    'split_clients: no share is left';

$count{ $t->get("/points?s=client$_")->body }++ for 1 .. 60;
is join(' ', map { $count{$_} // 0 } qw(a c)), '7 53',
    'split_clients: points';

# ---- messages ----

my @errors = (
    'geo $x { ranges; 1.2.3.4 a; }' => 'invalid range "1.2.3.4" in F:3',
    'geo $x { ranges; 2.0.0.0-1.0.0.0 a; }'
        => 'invalid range "2.0.0.0-1.0.0.0" in F:3',
    'geo $x { 300.0.0.0/8 a; }' => 'invalid network "300.0.0.0/8" in F:3',
    'geo $x { 1.0.0.0/8 a; ranges; }' => 'the "ranges" directive must be the '
        . 'first directive inside "geo" block in F:3',
    'geo $x { a b c; }' => 'invalid number of the geo parameters in F:3',
    'geo x { }' => 'invalid variable name "x" in F:3',
    'geo $host { }' => 'the duplicate "host" variable in F:3',
    'split_clients a $x { 60% a; 60% b; }'
        => 'percent total is greater than 100% in F:3',
    'split_clients a $x { * a; 1% b; }'
        => 'percent total is greater than 100% in F:3',
    'split_clients a $x { 0% a; }' => 'invalid percent value "0%" in F:3',
    'split_clients a $x { 10 a; }' => 'invalid percent value "10" in F:3',
    'split_clients a $x { 1.234% a; }'
        => 'invalid percent value "1.234%" in F:3',
    'split_clients a x { * a; }' => 'invalid variable name "x" in F:3',
);
while (my ($line, $wanted) = splice @errors, 0, 2) {
    is conf_test("events {}\nhttp {\n$line\n}\n")->{first}, $wanted, $line;
}
my @warnings = (
    'geo $x { 10.0.0.0/8 a; 10.0.0.0/8 b; }' => 'duplicate network '
        . '"10.0.0.0/8", value: "b", old value: "a" in F:3',
    'geo $x { 10.0.0.1/8 a; }'
        => 'low address bits of 10.0.0.1/8 are meaningless in F:3',
    'geo $x { delete 10.0.0.0/8; }'
        => 'no network "10.0.0.0/8" to delete in F:3',
    'geo $x { ranges; 1.0.0.0-1.0.0.9 a; 1.0.0.0-1.0.0.9 b; }' => 'duplicate '
        . 'range "1.0.0.0-1.0.0.9", value: "b", old value: "a" in F:3',
);
while (my ($line, $wanted) = splice @warnings, 0, 2) {
    my $r = conf_test("events {}\nhttp {\n$line\n}\n");
    is $r->{first}, $wanted, $line;
    is $r->{code}, 0, '... is no error';
}

done_testing;

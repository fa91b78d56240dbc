# SPDX-License-Identifier: BSD-2-Clause
#
# set and map.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('map.inc', "inc1 included1;\ninc2 'included 2';\n");
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    map_hash_bucket_size 128;
    map $arg_k $value {
        default        none;
        one            1;
        ONE2           upper;
        "two words"    2;
        \default       "the word default";
        ~^re(\d+)$     "regex $1";
        ~*^NOCASE      "no case";
        ~(?<nm>x.)y    "named $nm";
        var            $uri;
        mix            "a-$arg_m-b";
        ""             empty;
        include        %%TESTDIR%%/map.inc;
    }
    map $http_host $name {
        hostnames;
        default          other;
        exact.test       exact;
        *.wild.test      wild;
        .dot.test        dot;
        tail.*           tail;
    }
    map "$arg_a:$arg_b" $both { "1:2" "one and two"; default "?"; }
    map $arg_k $nodefault { one 1; }
    map $counter $seen { volatile; 1 first; 2 second; }
    map $counter2 $kept { 1 first; 2 second; }
    map $value $again { 1 "again one"; default $value; }
    server {
        listen 127.0.0.1:%%PORT%%;
        set $server_var from-server;
        location /map { return 200 $value; }
        location /host { return 200 $name; }
        location /both { return 200 $both; }
        location /nodefault { return 200 "[$nodefault]"; }
        location /again { return 200 $again; }
        location /volatile { set $counter 1; set $x $seen; set $counter 2;
                             return 200 "$x $seen"; }
        location /cached { set $counter2 1; set $x $kept; set $counter2 2;
                           return 200 "$x $kept"; }
        location /set { set $a 1; set $b "$a$a"; set $a "x${b}y";
                        return 200 "$a $b"; }
        location /unset { return 200 "[$never]"; }
        location /never { set $never 1; return 200 "[$never]"; }
        location /server { return 200 $server_var; }
        location /override { set $server_var mine; return 200 $server_var; }
        location /redirected { set $a kept; error_page 418 = /end;
                               return 418; }
        location /end { return 200 "[$a]"; }
        location /args { set $args new=1;
                         return 200 "$args $arg_new $is_args"; }
        location /rate { set $limit_rate 100k; return 200 $limit_rate; }
        location /self { set $self "a"; set $self "$self$self";
                         return 200 $self; }
    }
}
EOC

$t->answers(
    # request              answer
    '/map?k=one'        => '1',
    '/map?k=One'        => '1',
    '/map?k=one2'       => 'upper',
    '/map?k=nothing'    => 'none',
    '/map?k=default'    => 'the word default',
    '/map?k=re12'       => 'regex 12',
    '/map?k=Re12'       => 'none',
    '/map?k=nocaseX'    => 'no case',
    '/map?k=xzy'        => 'named xz',
    '/map?k=var'        => '/map',
    '/map?k=mix&m=M'    => 'a-M-b',
    '/map'              => 'empty',
    '/map?k=inc1'       => 'included1',
    '/map?k=inc2'       => 'included 2',
    '/both?a=1&b=2'     => 'one and two',
    '/both?a=1'         => '?',
    '/nodefault?k=one'  => '[1]',
    '/nodefault?k=x'    => '[]',
    '/again?k=one'      => 'again one',
    '/again?k=var'      => '/again',
    '/volatile'         => 'first second',
    '/cached'           => 'first first',
    '/set'              => 'x11y 11',
    '/unset'            => '[]',
    '/never'            => '[1]',
    '/server'           => 'from-server',
    '/override'         => 'mine',
    '/redirected'       => '[kept]',
    '/args?old=1'       => 'new=1 1 ?',
    '/rate'             => '102400',
    '/self'             => 'aa',
);

my @hosts = (
    'exact.test' => 'exact', 'a.exact.test' => 'other',
    'a.wild.test' => 'wild', 'wild.test' => 'other',
    'dot.test' => 'dot', 'a.b.dot.test' => 'dot', 'tail.com' => 'tail',
    'nobody' => 'other',
);
while (my ($host, $wanted) = splice @hosts, 0, 2) {
    is $t->get('/host', host => $host)->body, $wanted, "hostnames: $host";
}

done_testing;

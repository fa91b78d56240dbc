# SPDX-License-Identifier: BSD-2-Clause
#
# The directives that judge who may come in and what is known of a client,
# and those of request bodies: where they may stand, what they take, and what
# -t says of what they do not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my %block = (
    main     => "%s\nevents {}\nhttp {}",
    events   => "events {\n%s\n}\nhttp {}",
    http     => "events {}\nhttp {\n%s\n}",
    server   => "events {}\nhttp { server {\n%s\n} }",
    location => "events {}\nhttp { server { location / {\n%s\n} } }",
    named    => "events {}\nhttp { server { location \@n {\n%s\n} } }",
    if       => "events {}\nhttp { server { location / { if (\$uri) {\n%s\n} } } }",
    sif      => "events {}\nhttp { server { if (\$uri) {\n%s\n} } }",
    except   => "events {}\nhttp { server { location / { limit_except GET {\n%s\n} } } }",
    upstream => "events {}\nhttp { upstream u { server 127.0.0.1;\n%s\n} }",
);
my $t = Weir::Test->new;

sub check {
    my ($block, $text) = @_;

    return conf_test(sprintf($block{$block}, $text) . "\n", test => $t);
}

# What stands in every block of a web server: http, server, locations
my @web = qw(http server location named);

# A row a directive: its module, a value that it takes, how many arguments,
# whether it may be given twice, and where it may stand
my @directives = (
    [ allow => http_access => 'all', '1', 1, @web, 'except' ],
    [ deny => http_access => 'all', '1', 1, @web, 'except' ],
    [ auth_basic => http_auth_basic => 'x', '1', 0, @web, 'except' ],
    [ auth_basic_user_file => http_auth_basic => 'x', '1', 0, @web, 'except' ],
    [ auth_request => http_auth_request => '/x', '1', 0, @web ],
    [ auth_request_set => http_auth_request => '$x y', '2', 1, @web ],
    [ satisfy => http_core => 'any', '1', 0, @web ],
    [ auth_delay => http_core => '1s', '1', 0, @web ],
    [ internal => http_core => '', '0', 0, 'location', 'named' ],
    [ limit_rate => http_core => '1k', '1', 0, @web, 'if' ],
    [ limit_rate_after => http_core => '1k', '1', 0, @web, 'if' ],
    [ limit_req_status => http_limit_req => '429', '1', 0, @web ],
    [ limit_req_log_level => http_limit_req => 'warn', '1', 0, @web ],
    [ limit_req_dry_run => http_limit_req => 'on', '1', 0, @web ],
    [ limit_conn_status => http_limit_conn => '429', '1', 0, @web ],
    [ limit_conn_log_level => http_limit_conn => 'warn', '1', 0, @web ],
    [ limit_conn_dry_run => http_limit_conn => 'on', '1', 0, @web ],
    [ client_body_buffer_size => http_core => '1k', '1', 0, @web ],
    [ client_body_in_file_only => http_core => 'on', '1', 0, @web ],
    [ client_body_in_single_buffer => http_core => 'on', '1', 0, @web ],
    [ client_body_temp_path => http_core => 'x 1', '1-4', 0, @web ],
    [ client_body_timeout => http_core => '1s', '1', 0, @web ],
    [ client_max_body_size => http_core => '1m', '1', 0, @web ],
    [ set_real_ip_from => http_realip => '10.0.0.0/8', '1', 1, @web ],
    [ real_ip_header => http_realip => 'x', '1', 0, @web ],
    [ real_ip_recursive => http_realip => 'on', '1', 0, @web ],
    [ ancient_browser => http_browser => 'x', '1+', 1, @web ],
    [ modern_browser => http_browser => 'msie 5', '1-2', 1, @web ],
    [ ancient_browser_value => http_browser => 'x', '1', 1, @web ],
    [ modern_browser_value => http_browser => 'x', '1', 1, @web ],
    [ valid_referers => http_referer => 'a.test', '1+', 1, qw(server location named) ],
    [ referer_hash_max_size => http_referer => '64', '1', 0, qw(server location named) ],
    [ referer_hash_bucket_size => http_referer => '64', '1', 0, qw(server location named) ],
    [ secure_link => http_secure_link => 'x', '1', 0, @web ],
    [ secure_link_md5 => http_secure_link => 'x', '1', 0, @web ],
    [ secure_link_secret => http_secure_link => 'x', '1', 0, @web ],
    [ random_index => http_random_index => 'on', '1', 0, qw(location named) ],
    [ empty_gif => http_empty_gif => '', '0', 1, qw(location named) ],
    [ stub_status => http_stub_status => '', '0-1', 1, qw(server location named) ],
    [ mirror => http_mirror => '/x', '1', 1, @web ],
    [ mirror_request_body => http_mirror => 'on', '1', 0, @web ],
    [ add_before_body => http_addition => '/x', '1', 0, @web ],
    [ add_after_body => http_addition => '/x', '1', 0, @web ],
    [ addition_types => http_addition => '*', '1+', 1, @web ],
);

# Bad values, and what is said of them
my @bad = (
    'allow 1.2.3.4/33'     => 'invalid parameter "1.2.3.4/33"',
    'allow 1.2.3'          => 'invalid parameter "1.2.3"',
    'allow ALL'            => 'invalid parameter "ALL"',
    'allow unix:/x'        => 'invalid parameter "unix:/x"',
    'allow ::1/129'        => 'invalid parameter "::1/129"',
    'allow localhost'      => 'invalid parameter "localhost"',
    'deny $uri'            => 'invalid parameter "$uri"',
    'deny 10.0.0.1/8'      => ['low address bits of 10.0.0.1/8 are meaningless'],
    'deny 2001:db8::1/64'  => ['low address bits of 2001:db8::1/64 are meaningless'],
    'auth_basic $nosuch'   => \'unknown "nosuch" variable',
    'auth_basic_user_file $nosuch' => \'unknown "nosuch" variable',
    'auth_request_set x y' => 'invalid variable name "x"',
    'auth_request_set $uri y' => 'the duplicate "uri" variable',
    'auth_request_set $x $nosuch' => \'unknown "nosuch" variable',
    'satisfy x'            => 'invalid value "x"',
    'satisfy ANY'          => undef,
    'auth_delay x'         => '"auth_delay" directive invalid value',
    'auth_delay -1'        => '"auth_delay" directive invalid value',
    'auth_delay 1x'        => '"auth_delay" directive invalid value',
    'limit_rate x'         => '"limit_rate" directive invalid value',
    'limit_rate 1kb'       => '"limit_rate" directive invalid value',
    'limit_rate_after x'   => '"limit_rate_after" directive invalid value',
    'limit_rate $uri'      => undef,
    'client_body_buffer_size x' => '"client_body_buffer_size" directive invalid value',
    'client_body_buffer_size -1' => '"client_body_buffer_size" directive invalid value',
    'client_body_in_file_only x' => 'invalid value "x"',
    'client_body_in_file_only clean' => undef,
    'client_body_in_single_buffer x' => 'invalid value "x" in "client_body_in_single_buffer" directive, it must be "on" or "off"',
    'client_body_temp_path x 4' => undef,
    'client_body_temp_path x 1 x' => '"client_body_temp_path" directive invalid value',
    'client_body_temp_path x 1 2 3' => undef,
    'client_body_timeout x' => '"client_body_timeout" directive invalid value',
    'client_body_timeout "1m 1h"' => '"client_body_timeout" directive invalid value',
    'client_body_timeout "1h 30m"' => undef,
    'client_max_body_size x' => '"client_max_body_size" directive invalid value',
    'client_max_body_size 1t' => '"client_max_body_size" directive invalid value',
    'set_real_ip_from 1.2.3.4/33' => 'host not found in set_real_ip_from "1.2.3.4/33"',
    'set_real_ip_from ::/129' => 'host not found in set_real_ip_from "::/129"',
    'set_real_ip_from x.invalid' => 'host not found in set_real_ip_from "x.invalid"',
    'set_real_ip_from 10.0.0.1/8' => ['low address bits of 10.0.0.1/8 are meaningless'],
    'set_real_ip_from localhost' => undef,
    'set_real_ip_from unix:' => undef,
    'real_ip_recursive x'  => 'invalid value "x" in "real_ip_recursive" directive, it must be "on" or "off"',
    'modern_browser msie x' => 'invalid browser version "x"',
    'modern_browser msie 5.5x' => 'invalid browser version "5.5x"',
    'modern_browser lynx 5' => 'unknown browser name "lynx"',
    'modern_browser MSIE 5' => undef,
    'modern_browser unlisted' => undef,
    'valid_referers none'  => \('the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer'),
    'valid_referers server_names none' => undef,
    'valid_referers ~'     => 'empty regex in "~"',
    'valid_referers a.*.b' => 'invalid hostname or wildcard "a.*.b"',
    'valid_referers a.test A.test' => 'conflicting parameter "a.test"',
    'valid_referers ""'    => 'invalid referer ""',
    'secure_link $nosuch'  => \'unknown "nosuch" variable',
    'secure_link_md5 $nosuch' => \'unknown "nosuch" variable',
    'random_index x'       => 'invalid value "x" in "random_index" directive, it must be "on" or "off"',
    "mirror /x;\nmirror off" => ['"mirror" directive is duplicate', 4],
    "mirror off;\nmirror /x" => ['"mirror" directive is duplicate', 4],
    'mirror_request_body x' => 'invalid value "x" in "mirror_request_body" directive, it must be "on" or "off"',
    'addition_types text/plain text/plain' => ['duplicate MIME type "text/plain"'],
    'addition_types text/html' => ['duplicate MIME type "text/html"'],
    'addition_types * text/html' => undef,
);

for my $row (@directives) {
    my ($name, $module, $value, $args, $many, @in) = @$row;
    next if !has_module($module);
    my %may = map { $_ => 1 } @in;
    my ($least, $most) = $args =~ /^(\d)(?:-(\d))?(\+?)/
        ? ($1, $3 ? 99 : $2 // $1) : die $args;

    for my $where (sort keys %block) {
        my $r = check($where, "$name $value;");
        my $line = () = sprintf($block{$where}, "\0") =~ /\n(?=.*\0)/sg;
        $line++;
        is $r->{code} ? $r->{first} : 'ok', $may{$where} ? 'ok'
            : "\"$name\" directive is not allowed here in F:$line",
            "$name in $where";
    }
    my $wrong = "invalid number of arguments in \"$name\" directive in F:";
    my $here = $in[-1] eq 'except' || $in[-1] eq 'if' ? 'location' : 'named';
    like check($here, "$name;")->{first}, qr/^\Q$wrong\E\d/, "$name: nothing"
        if $least > 0;
    like check($here, "$name a b c d e;")->{first}, qr/^\Q$wrong\E\d/,
        "$name: too much" if $most < 5;
    my $other = $name eq 'valid_referers' ? 'b.test' : $value;
    my $twice = check($here, "$name $value;\n$name $other;");
    is $twice->{code}, $many ? 0 : 1, "$name: twice"
        if $name !~ /^referer_hash/;
    like $twice->{first}, qr/^"$name" directive is duplicate in F:4$/,
        "$name: twice, the message"
        if !$many && $here eq 'named' && $name !~ /^(?:internal)$/;
    like check($here, "$name $value {}")->{first},
        qr/^directive "$name" is not terminated by ";" in F:\d$/,
        "$name: a block";
}

my %module_of = map { $_->[0] => $_->[1] } @directives;
while (my ($text, $wanted) = splice @bad, 0, 2) {
    my ($name) = $text =~ /^(\w+)/;
    next if !has_module($module_of{$name});
    my $where = $name =~ /^(?:random|valid)/ ? 'location' : 'http';
    my $r = check($where, "$text;");
    my $line = 3;

    if (!defined $wanted) {
        is $r->{code}, 0, "$text: fine";
    } elsif (ref $wanted eq 'SCALAR') {
        # without a place
        is $r->{first} =~ s/ in F:\d+$//r, $$wanted, $text;
        is $r->{code}, 1, "$text: refused";
    } else {
        my ($message, $at) = ref $wanted ? @$wanted : $wanted;
        $line = $at // 3;
        like $r->{first}, qr/^\Q$message\E in F:$line$/, $text;
    }
}
is check('http', 'deny 10.0.0.1/8;')->{code}, 0, 'low bits are let pass';

# ---- limit_except ----

is check('location', 'limit_except get POST { deny all; }')->{code}, 0,
    'limit_except: any case';
is check('location', "limit_except $_ { deny all; }")->{first},
    "invalid method \"$_\" in F:3", "limit_except $_"
    for qw(FOO TRACE CONNECT);
is check('location', 'limit_except { deny all; }')->{first},
    'invalid number of arguments in "limit_except" directive in F:3',
    'limit_except: nothing';
is check('location', 'limit_except GET;')->{first},
    'directive "limit_except" has no opening "{" in F:3',
    'limit_except: no block';
is check('location', "limit_except GET {}\nlimit_except POST {}")->{first},
    '"limit_except" directive is duplicate in F:4', 'limit_except: twice';
is check($_, 'limit_except GET { deny all; }')->{first} =~ s/:\d+$//r,
    '"limit_except" directive is not allowed here in F', "limit_except in $_"
    for qw(http server if except upstream);

# ---- secure_link ----

SKIP: {
    skip 'no http_secure_link', 5 if !has_module('http_secure_link');
    my $mixed = '"secure_link_secret" cannot be mixed with "secure_link" and '
        . '"secure_link_md5" in F:4';
    is check('server', $_)->{first}, $mixed, $_
        for 'secure_link x; secure_link_secret y;',
            'secure_link_secret y; secure_link_md5 x;';
    is check('http', $_)->{code}, 0, $_
        for 'secure_link_secret y; server { secure_link x; secure_link_md5 z; }',
            'secure_link x; secure_link_md5 z; server { secure_link_secret y; }',
            'secure_link_secret y; server { location / { secure_link x; } }';
}

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# What a location hands down.  For each setting there are two servers, which
# differ in nothing else than that an outer location has it.  Where the two
# answer differently, the setting holds: in the location itself, in locations
# within it (a prefix, one with settings of its own, an expression, an exact
# name, one two levels below), in if and limit_except, and in a named location
# that it leads to.

use strict;
use warnings;

use Digest::MD5 qw(md5_base64);
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

# place => its URI, which the setting may ask to end otherwise than in f.
my %places = (
    outer  => '/o/f',   prefix => '/o/p/f',   beside => '/o/b/f',
    regex  => '/o/r/f', deep   => '/o/p/q/f', exact  => '/o/e',
    if     => '/i/f',   except => '/x/f',     named  => '/n/f',
);
my @places = qw(outer prefix beside regex deep exact if except named);

# Something of its own for most modules that an outer setting could be of.
my $beside = 'log_not_found off; reset_timedout_connection on; read_ahead 1; '
    . 'proxy_read_timeout 59s; gzip_comp_level 2; lingering_time 29s; '
    . 'autoindex_exact_size off; auth_delay 1s; userid_path /b; '
    . 'resolver_timeout 9s; keepalive_time 59m; tcp_nodelay off; '
    . 'client_body_timeout 59s; '
    . 'proxy_connect_timeout 59s; rewrite_log on; sendfile off;';

# Where a setting holds: everywhere but in named locations; in the location
# alone, and in its if blocks; there before anything leads to a named location.
my $all = 'outer prefix beside regex deep exact if except';
my $handler = 'outer if';
my $rules = 'outer if named';

my @msie = (headers => ['User-Agent' => 'Mozilla/4.0 (compatible; MSIE 7.0)']);
my @gzip = (headers => ['Accept-Encoding' => 'gzip']);
my $gzip = 'gzip on; gzip_types *; gzip_min_length 1;';
my $up = 'proxy_pass http://127.0.0.1:%%PORT_up%%;';
my $link = md5_base64('x') =~ tr{+/}{-_}r;
my $users = 'auth_basic_user_file %%TESTDIR%%/users;';

# A name, the setting, and among options: holds (where, $all unless said);
# base: what stands in both servers, each: in each of the locations within,
# too; last: how the URIs end; logged: it is seen in what logs/seen says;
# seen: makes text of a response that is never the same; module: which must
# be there; other words are options of the request.
my @settings = (
    ['internal', holds => "$all named"],
    ['root %%TESTDIR%%/other'],
    ['alias %%TESTDIR%%/flat/'],
    ['index other.html', last => 'd/'],
    ['autoindex on', last => 'nothing/'],
    ['random_index on', last => 'nothing/', module => 'http_random_index'],
    ['default_type x/y'],
    ['types { x/z f; } default_type x/f'],
    ['charset koi8-r', base => 'default_type text/plain;'],
    ['add_header X-A a'],
    ['add_header X-A a always', last => 'none'],
    ['add_trailer X-T t'],
    ['expires 1h'],
    ['etag off'],
    ['if_modified_since off',
        headers => ['If-Modified-Since' => 'Tue, 14 Nov 2023 22:13:20 GMT']],
    ['max_ranges 0', headers => [Range => 'bytes=0-1']],
    ['server_tokens off', last => 'none'],
    ['absolute_redirect off', last => 'nothing'],
    ['port_in_redirect off', last => 'nothing'],
    ['error_page 404 /show', last => 'none'],
    ['error_page 404 =200 /show', last => 'none'],
    ['error_page 404 = @other', last => 'none'],
    ['msie_padding off', last => 'none', @msie],
    ['msie_refresh on', last => 'nothing', @msie],
    ['try_files /nosuch =418', holds => 'outer', not => 'named'],
    ['return 418', holds => $rules],
    ['rewrite ^ /show last', holds => $rules],
    ['set $v 1', base => 'add_header X-V v$v;', holds => 'outer if'],
    ['if ($uri) { return 418; }', holds => $rules],
    ['limit_except POST { deny all; }', holds => 'outer if named',
        not => 'except'],
    ['deny all', holds => "$all named"],
    ['satisfy any', base => "deny all; auth_basic x; $users",
        headers => [Authorization => 'Basic dTpw'], holds => "$all named"],
    ['auth_basic x', base => $users, holds => "$all named"],
    ['auth_request /no', module => 'http_auth_request',
        holds => "$all named"],
    ['client_max_body_size 1', body => 'xxx', holds => "$all named"],
    ['keepalive_timeout 0', holds => "$all named"],
    ['keepalive_timeout 75s 33s'],
    ['keepalive_requests 1', holds => "$all named"],
    ['keepalive_disable safari', holds => "$all named",
        headers => ['User-Agent' => 'Safari/1 Mac OS X']],
    ['chunked_transfer_encoding off', base => $gzip, @gzip],
    ['gzip on', base => 'gzip_types *; gzip_min_length 1;', @gzip],
    ['gzip_types x/y', @gzip,
        base => 'gzip on; gzip_min_length 1; default_type x/y;'],
    ['gzip_vary on', base => $gzip],
    ['gzip_disable a', base => $gzip,
        headers => ['Accept-Encoding' => 'gzip', 'User-Agent' => 'a']],
    ['gzip_http_version 1.0', base => $gzip, version => '1.0', @gzip],
    ['add_before_body /show', base => 'default_type text/html;',
        module => 'http_addition'],
    ['add_after_body /show', base => 'default_type text/html;',
        module => 'http_addition'],
    ['mirror /seen', logged => 1, module => 'http_mirror'],
    ['post_action /seen', logged => 1],
    ['access_log %%TESTDIR%%/logs/seen seen', logged => 1],
    ['access_log off', base => 'access_log %%TESTDIR%%/logs/seen seen;',
        logged => 1],
    ['log_subrequest on', logged => 1, module => 'http_addition',
        base => 'add_before_body /show; default_type text/html; '
            . 'access_log %%TESTDIR%%/logs/seen seen;', holds => ''],
    ['userid on', seen => sub { s/uid=[^;]*/uid/r }],
    ['userid_name a', base => 'userid on;', seen => sub { s/=[^;]*/=/r }],
    ['valid_referers example.com', base => 'add_header X-R r$invalid_referer;'],
    ['secure_link $arg_s', base => 'secure_link_md5 x; '
        . 'add_header X-S s$secure_link;', last => "f?s=$link",
        module => 'http_secure_link'],
    ['secure_link_md5 x', base => 'secure_link $arg_s; '
        . 'add_header X-S s$secure_link;', last => "f?s=$link",
        module => 'http_secure_link'],
    ['disable_symlinks on', last => 'link'],
    ['set_real_ip_from 127.0.0.1', headers => ['X-Real-IP' => '9.9.9.9'],
        base => 'add_header X-R r$remote_addr;', module => 'http_realip'],
    ['ancient_browser_value v', headers => ['User-Agent' => 'a'],
        base => 'ancient_browser a; add_header X-B b$ancient_browser;'],

    # What answers.
    ['empty_gif', holds => $handler],
    ['stub_status', holds => $handler, module => 'http_stub_status',
        seen => sub { s/\d+/N/gr }],
    ['proxy_pass http://127.0.0.1:%%PORT_up%%', holds => "$handler except"],
    ['proxy_pass http://127.0.0.1:%%PORT_up%%/u/', holds => "$handler except"],
    ['proxy_pass http://127.0.0.1:%%PORT_up%%$uri?v',
        holds => "$handler except"],

    # Settings of what answers.
    ['proxy_set_header X-A a', each => $up],
    ['proxy_set_header Host h', each => $up],
    ['proxy_method PUT', each => $up],
    ['proxy_set_body b', each => $up],
    ['proxy_http_version ' . (version_at_least('1.29.7') ? '1.0' : '1.1'),
        each => $up],
    ['proxy_pass_request_headers off', each => $up, headers => ['X-A' => 'a']],
    ['proxy_hide_header X-Up', each => $up],
    ['proxy_pass_header Server', each => $up],
    ['proxy_ignore_headers X-Accel-Charset', each => $up],
    ['proxy_redirect /r/ /s/', each => $up],
    ['proxy_cookie_path /c /d', each => $up],
    ['proxy_cookie_domain c d', each => $up],
    ['proxy_cookie_flags ~ secure', each => $up],
    ['proxy_intercept_errors on', each => $up,
        base => 'error_page 418 =200 /show;'],
    ['proxy_bind 127.0.0.2', each => $up],
    ['slice 1', each => "$up proxy_set_header X-A \$slice_range;",
        headers => [Range => 'bytes=1-'], module => 'http_slice'],
);

my $t = Weir::Test->new;
for my $dir (qw(html other)) {
    for my $at (qw(o o/p o/b o/r o/p/q i x n)) {
        $t->write("$dir/$at/$_", "$dir $_", mtime => 1700000000)
            for qw(f d/index.html d/other.html nothing/one);
        symlink 'f', $t->path("$dir/$at/link");
    }
    $t->write("$dir/o/e", "$dir e", mtime => 1700000000);
}
for my $flat (qw(f p/f b/f r/f p/q/f e)) {
    $t->write("flat/$flat", 'flat', mtime => 1700000000);
}
$t->write('users', "u:{PLAIN}p\n");

# One server: with the setting, or without.
sub server {
    my ($name, $setting, %o) = @_;
    my %skip = map { $_ => 1 } split ' ', $o{not} // '';
    my $each = $o{each} // '';
    my $has = ($o{base} // '') . $each . $setting;
    my $text = "server { listen 127.0.0.1:%%PORT%%; server_name $name; "
        . 'root %%TESTDIR%%/html; '
        . 'location /show { return 200 shown; } location /no { deny all; } '
        . 'location /seen { access_log %%TESTDIR%%/logs/seen seen; '
        . 'log_subrequest on; alias %%TESTDIR%%/flat/f; } '
        . "location \@other { return 200 other; } "
        . "location /o/ { $has location = /o/e { $each } "
        . "location /o/p/ { $each location /o/p/q/ { $each } } "
        . "location ~ ^/o/r/ { $each } location /o/b/ { $beside $each } } "
        . "location /i/ { $has if (\$uri) { } } ";
    $text .= "location /x/ { $has limit_except POST { } } " if !$skip{except};
    $text .= "location /n/ { $has try_files /nosuch \@named; } "
        . "location \@named { $each } " if !$skip{named};
    return "$text}\n";
}

my $conf = "%%HTTP%% log_format seen '\$http_host\$http_x_place \$uri'; "
    . "server_names_hash_max_size 4096; access_log off;\n"
    . 'server { listen 127.0.0.1:%%PORT_up%%; location / { '
    . 'default_type text/plain; add_header X-Up u always; '
    . 'add_header X-Accel-Charset koi8-r always; '
    . 'add_header Location /r/x always; add_header Set-Cookie '
    . '"c=1; Path=/c; Domain=c" always; return 418 "$request_method '
    . '$request_uri $server_protocol $http_host $http_x_a $content_length '
    . '$remote_addr"; } }' . "\n";
@settings = grep {
    my ($setting, %o) = @$_;
    !$o{module} || has_module($o{module});
} @settings;
my $n = 0;
for (@settings) {
    my ($setting, %o) = @$_;
    $conf .= server('s' . $n, '', %o)
        . server('s' . $n++ . 'w', $setting =~ /}$/ ? $setting : "$setting;",
                 %o);
}
$t->run("$conf}\n");

# What a server answers at a place.
sub answer {
    my ($name, $place, %o) = @_;
    my $uri = $places{$place};
    my %opt = map { exists $o{$_} ? ($_ => $o{$_}) : () } qw(body version);
    my @fields = (@{ $o{headers} // [] }, ($o{logged} ? ('X-Place' => $place)
                                                      : ()));

    $uri =~ s/f$/$o{last}/ if defined $o{last};
    local $_ = $t->get($uri, host => $name, close => 0, headers => \@fields,
                       %opt)->raw;
    s/^Date: .*\r\n//m;
    s/\b\Q$name\E\b/NAME/g;
    return $o{seen} ? $o{seen}->() : $_;
}

# Those that are seen in the log come first, and are looked at in the end.
my %differ;
$n = 0;
for (@settings) {
    my ($setting, %o) = @$_;
    my %skip = map { $_ => 1 } split ' ', $o{not} // '';

    for my $place (grep { !$skip{$_} } @places) {
        next if $place eq 'exact' && $o{last};
        $differ{$n}{$place} = answer("s$n", $place, %o)
            ne answer("s${n}w", $place, %o);
    }
    $n++;
}
$t->get('/seen', host => 's0', headers => ['X-Place' => 'end']);
$t->wait_log(qr/s0end/, 'logs/seen');
my %seen;
for ($t->log('logs/seen')) {
    my ($who, $uri) = split ' ';
    $seen{$who} .= "$uri\n";
}

$n = 0;
for (@settings) {
    my ($setting, %o) = @$_;
    my %holds = map { $_ => 1 } split ' ', $o{holds} // $all;
    my (@got, @wanted);

    for my $place (grep { exists $differ{$n}{$_} } @places) {
        push @wanted, $place if $holds{$place};
        push @got, $place if $o{logged}
            ? ($seen{"s$n$place"} // '') ne ($seen{"s${n}w$place"} // '')
            : $differ{$n}{$place};
    }
    is "@got", "@wanted", "$setting: where it holds";
    $n++;
}

done_testing;
